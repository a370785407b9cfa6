/**
 * Places the tasks of a flow in columns, from left to right in order of running. Pure: the same graph gives the same
 * picture. Longest path gives the column, barycentres the order within it, and edges that cross columns pass through
 * invisible places so that they do not run over nodes.
 */

import type { IGraph, IGraphNode } from '../model/snapshot';

export const NODE_HEIGHT = 44;
/** From the left edge of a node to its texts, and from them to its right edge. */
export const TEXT_LEFT = 31;
const TEXT_RIGHT = 11;
const LEAST_WIDTH = 108;
const MOST_WIDTH = 250;
const GAP_X = 30;
/** What an edge's label keeps free of the arrow's head and of the node before. */
const LABEL_ROOM = 26;
const MOST_LABEL = 110;
const GAP_Y = 16;
const MARGIN = 8;
const SWEEPS = 6;

export interface IPoint {
  readonly x: number;
  readonly y: number;
}

/** Widths of texts as they will be drawn. */
export interface IMeasures {
  readonly node: (label: string) => number;
  readonly edge: (label: string) => number;
}

export interface IPlacedNode extends IPoint {
  readonly node: IGraphNode;
  readonly column: number;
  readonly width: number;
}

export interface IPlacedEdge {
  readonly from: string;
  readonly to: string;
  readonly label: string;
  /** How wide its label may be. */
  readonly room: number;
  readonly points: readonly IPoint[];
}

export interface ILayout {
  readonly nodes: readonly IPlacedNode[];
  readonly edges: readonly IPlacedEdge[];
  readonly width: number;
  readonly height: number;
}

/** A place in a column: a task, or a bend of a long edge. */
interface IPlace {
  readonly id: number;
  readonly column: number;
  readonly task: IGraphNode | null;
  readonly before: number[];
  readonly after: number[];
  y: number;
}

interface ILink {
  readonly from: string;
  readonly to: string;
  readonly label: string;
}

export function layout(graph: IGraph, measures: IMeasures): ILayout {
  const links = forwardLinks(graph);
  const columns = columnOf(graph, links);
  const { places, paths } = placesOf(graph, links, columns);
  const rows = rowsOf(places);
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    order(rows, places, sweep % 2 === 0);
  }
  spread(rows, places);
  return drawn(places, paths, links, spansOf(places, paths, links, measures));
}

/** How much of a node's width its texts get. */
export function roomIn(width: number): number {
  return width - TEXT_LEFT - TEXT_RIGHT;
}

interface ISpan {
  readonly x: number;
  readonly width: number;
  /** Between this column and the one before. */
  readonly gap: number;
}

/** Where each column begins: as wide as its widest text, as far from the one before as its edges' labels need. */
function spansOf(
  places: readonly IPlace[],
  paths: readonly (readonly number[])[],
  links: readonly ILink[],
  measures: IMeasures
): readonly ISpan[] {
  const widths: number[] = [];
  for (const { column, task } of places) {
    const wish = task ? measures.node(task.label) + TEXT_LEFT + TEXT_RIGHT : 0;
    const width = Math.min(MOST_WIDTH, Math.max(LEAST_WIDTH, Math.ceil(wish)));
    widths[column] = Math.max(widths[column] ?? 0, width);
  }
  const gaps = widths.map(() => GAP_X);
  links.forEach(({ label }, index) => {
    const last = paths[index]?.at(-1);
    const column = last === undefined ? 0 : (places[last]?.column ?? 0);
    if (label) {
      const wish = Math.min(MOST_LABEL, Math.ceil(measures.edge(label))) + LABEL_ROOM;
      gaps[column] = Math.max(gaps[column] ?? 0, wish);
    }
  });
  let x = MARGIN;
  return widths.map((width, column) => {
    const gap = column === 0 ? 0 : (gaps[column] ?? GAP_X);
    x += gap;
    const span = { x, width, gap };
    x += width;
    return span;
  });
}

/** Edges between known nodes, without those that would close a circle. */
function forwardLinks(graph: IGraph): ILink[] {
  const known = new Set(graph.nodes.map(node => node.id));
  const next = new Map<string, string[]>();
  const links: ILink[] = [];
  for (const [from, to, label] of graph.edges) {
    if (!known.has(from) || !known.has(to) || reaches(next, to, from)) {
      continue;
    }
    next.set(from, [...(next.get(from) ?? []), to]);
    links.push({ from, to, label });
  }
  return links;
}

function reaches(
  next: ReadonlyMap<string, readonly string[]>,
  from: string,
  goal: string
): boolean {
  const seen = new Set<string>();
  const waiting = [from];
  for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
    if (at === goal) {
      return true;
    }
    if (!seen.has(at)) {
      seen.add(at);
      waiting.push(...(next.get(at) ?? []));
    }
  }
  return false;
}

function columnOf(graph: IGraph, links: readonly ILink[]): ReadonlyMap<string, number> {
  const columns = new Map(graph.nodes.map(node => [node.id, 0]));
  // No path is longer than the number of nodes; without circles it settles earlier.
  for (let round = 0; round < graph.nodes.length; round++) {
    let moved = false;
    for (const { from, to } of links) {
      const least = (columns.get(from) ?? 0) + 1;
      if ((columns.get(to) ?? 0) < least) {
        columns.set(to, least);
        moved = true;
      }
    }
    if (!moved) {
      break;
    }
  }
  return columns;
}

function placesOf(
  graph: IGraph,
  links: readonly ILink[],
  columns: ReadonlyMap<string, number>
): { places: IPlace[]; paths: number[][] } {
  const places: IPlace[] = [];
  const add = (column: number, task: IGraphNode | null): number => {
    const id = places.length;
    places.push({ id, column, task, before: [], after: [], y: 0 });
    return id;
  };
  const byTask = new Map(graph.nodes.map(node => [node.id, add(columns.get(node.id) ?? 0, node)]));
  const paths = links.map(({ from, to }) => {
    const path = [byTask.get(from) ?? 0];
    const last = columns.get(to) ?? 0;
    for (let c = (columns.get(from) ?? 0) + 1; c < last; c++) {
      path.push(add(c, null));
    }
    path.push(byTask.get(to) ?? 0);
    for (let i = 1; i < path.length; i++) {
      const [a, b] = [path[i - 1] ?? 0, path[i] ?? 0];
      places[a]?.after.push(b);
      places[b]?.before.push(a);
    }
    return path;
  });
  return { places, paths };
}

function rowsOf(places: readonly IPlace[]): number[][] {
  const rows: number[][] = [];
  for (const place of places) {
    (rows[place.column] ??= []).push(place.id);
  }
  rows.forEach(row =>
    row.forEach((id, index) => {
      const place = places[id];
      if (place) {
        place.y = index;
      }
    })
  );
  return rows;
}

/** Sort each column by the mean position of the neighbours on one side; a stable sort keeps the order of the text. */
function order(rows: number[][], places: readonly IPlace[], leftToRight: boolean): void {
  const sequence = leftToRight ? rows : [...rows].reverse();
  for (const row of sequence) {
    const wish = new Map(
      row.map(id => [id, meanY(places, neighbours(places[id], leftToRight), id)])
    );
    row.sort((a, b) => (wish.get(a) ?? 0) - (wish.get(b) ?? 0));
    row.forEach((id, index) => {
      const place = places[id];
      if (place) {
        place.y = index;
      }
    });
  }
}

function neighbours(place: IPlace | undefined, leftToRight: boolean): readonly number[] {
  return (leftToRight ? place?.before : place?.after) ?? [];
}

function meanY(places: readonly IPlace[], ids: readonly number[], self: number): number {
  if (ids.length === 0) {
    return places[self]?.y ?? 0;
  }
  return ids.reduce((sum, id) => sum + (places[id]?.y ?? 0), 0) / ids.length;
}

/** Give every place a height near its neighbours, none overlapping, the order kept. */
function spread(rows: readonly number[][], places: readonly IPlace[]): void {
  const step = NODE_HEIGHT + GAP_Y;
  places.forEach(place => (place.y *= step));
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    const leftToRight = sweep % 2 === 0;
    for (const row of leftToRight ? rows : [...rows].reverse()) {
      const wishes = row.map(id => meanY(places, neighbours(places[id], leftToRight), id));
      const settled = separated(wishes, step);
      row.forEach((id, index) => {
        const place = places[id];
        if (place) {
          place.y = settled[index] ?? 0;
        }
      });
    }
  }
}

/** Push wishes apart to at least `step`, and move the whole back by the mean push. */
function separated(wishes: readonly number[], step: number): number[] {
  let floor = -Infinity;
  const pushed = wishes.map(wish => (floor = Math.max(wish, floor) + step) - step);
  const shift =
    pushed.reduce((sum, y, index) => sum + y - (wishes[index] ?? 0), 0) /
    Math.max(1, pushed.length);
  return pushed.map(y => y - shift);
}

function drawn(
  places: readonly IPlace[],
  paths: readonly number[][],
  links: readonly ILink[],
  spans: readonly ISpan[]
): ILayout {
  const top = Math.min(...places.map(place => place.y), Infinity);
  const shift = Number.isFinite(top) ? MARGIN - top : 0;
  const x = (column: number) => spans[column]?.x ?? MARGIN;
  const width = (column: number) => spans[column]?.width ?? 0;
  const nodes = places.flatMap(place =>
    place.task
      ? [
          {
            node: place.task,
            column: place.column,
            width: width(place.column),
            x: x(place.column),
            y: Math.round(place.y + shift)
          }
        ]
      : []
  );
  const edges = links.map((link, index) => ({
    ...link,
    room: (spans[places[paths[index]?.at(-1) ?? -1]?.column ?? -1]?.gap ?? GAP_X) - LABEL_ROOM,
    points: (paths[index] ?? []).flatMap((id, at, path) => {
      const place = places[id];
      if (!place) {
        return [];
      }
      const y = Math.round(place.y + shift) + NODE_HEIGHT / 2;
      const [left, right] = [x(place.column), x(place.column) + width(place.column)];
      if (at === 0) {
        return [{ x: right, y }];
      }
      return at === path.length - 1
        ? [{ x: left, y }]
        : [
            { x: left, y },
            { x: right, y }
          ];
    })
  }));
  const bottoms = nodes.map(node => node.y + NODE_HEIGHT);
  const bends = edges.flatMap(edge => edge.points.map(point => point.y));
  return {
    nodes,
    edges,
    width: Math.max(...nodes.map(node => node.x + node.width), 0) + MARGIN,
    height: Math.max(...bottoms, ...bends, 0) + MARGIN
  };
}

/** An SVG path through the points, leaving and arriving level. */
export function curve(points: readonly IPoint[]): string {
  const [first, ...rest] = points;
  if (!first) {
    return '';
  }
  let from = first;
  const parts = [`M${from.x},${from.y}`];
  for (const to of rest) {
    const middle = (from.x + to.x) / 2;
    parts.push(
      from.y === to.y
        ? `L${to.x},${to.y}`
        : `C${middle},${from.y} ${middle},${to.y} ${to.x},${to.y}`
    );
    from = to;
  }
  return parts.join(' ');
}
