/** Which cells hold a flow. */

const MAGIC = /^%%gov(?:flow|test)\b/;

/** Whether the first line of a cell makes the rest of it YAML. */
export function isFlowMagic(firstLine: string): boolean {
  return MAGIC.test(firstLine);
}
