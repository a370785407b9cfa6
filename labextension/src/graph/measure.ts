/** How wide texts of the graph will be, in the font of the page. */

import type { IMeasures } from './layout';

const NODE_FONT = '600 12.5px';
const EDGE_FONT = '11px';

/** Measures of texts in a font family; a rough guess where the page cannot measure. */
export function measuresIn(family: string): IMeasures {
  const context = document.createElement('canvas').getContext('2d');
  const widthIn = (font: string, rough: number) => (text: string) => {
    if (!context) {
      return text.length * rough;
    }
    context.font = `${font} ${family || 'sans-serif'}`;
    return context.measureText(text).width;
  };
  return { node: widthIn(NODE_FONT, 8), edge: widthIn(EDGE_FONT, 7) };
}
