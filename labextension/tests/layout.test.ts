import assert from 'node:assert/strict';
import { test } from 'node:test';
import { curve, layout as placed, NODE_HEIGHT, roomIn } from '../src/graph/layout';
import { fitted } from '../src/model/format';
import type { GraphEdge, IGraph } from '../src/model/snapshot';

function graph(ids: readonly string[], edges: readonly GraphEdge[]): IGraph {
  return {
    nodes: ids.map(id => ({ id, label: id, type: 't', kind: 'task', parent: null })),
    edges
  };
}

const measures = {
  node: (text: string) => text.length * 7.5,
  edge: (text: string) => text.length * 6
};

const layout = (of: IGraph) => placed(of, measures);

function overlapping(result: ReturnType<typeof layout>): string[] {
  return result.nodes.flatMap((a, i) =>
    result.nodes
      .slice(i + 1)
      .filter(b => a.x < b.x + b.width && b.x < a.x + a.width && Math.abs(a.y - b.y) < NODE_HEIGHT)
      .map(b => `${a.node.id}/${b.node.id}`)
  );
}

test('a chain goes from left to right on one line', () => {
  const { nodes } = layout(
    graph(
      ['a', 'b', 'c'],
      [
        ['a', 'b', ''],
        ['b', 'c', '']
      ]
    )
  );
  assert.deepEqual(
    nodes.map(node => node.column),
    [0, 1, 2]
  );
  assert.equal(new Set(nodes.map(node => node.y)).size, 1);
});

test('branches stand beside each other and the join after the longer one', () => {
  const result = layout(
    graph(
      ['start', 'left', 'right', 'more', 'end'],
      [
        ['start', 'left', 'then'],
        ['start', 'right', 'else'],
        ['right', 'more', ''],
        ['left', 'end', ''],
        ['more', 'end', '']
      ]
    )
  );
  const column = Object.fromEntries(result.nodes.map(at => [at.node.id, at.column]));
  assert.deepEqual(column, { start: 0, left: 1, right: 1, more: 2, end: 3 });
  assert.deepEqual(overlapping(result), []);
  const long = result.edges.find(edge => edge.from === 'left');
  assert.equal(long?.points.length, 4, 'a long edge bends around the column between');
});

test('a circle, an unknown node and an empty graph do no harm', () => {
  const circle = layout(
    graph(
      ['a', 'b'],
      [
        ['a', 'b', ''],
        ['b', 'a', ''],
        ['a', 'ghost', '']
      ]
    )
  );
  assert.equal(circle.edges.length, 1);
  const empty = layout(graph([], []));
  assert.deepEqual([empty.nodes, empty.edges], [[], []]);
  assert.ok(Number.isFinite(empty.width) && Number.isFinite(empty.height));
});

test('a wide fan keeps its nodes apart and inside the picture', () => {
  const ids = Array.from({ length: 40 }, (_, i) => `n${i}`);
  const result = layout(
    graph(
      ['root', ...ids, 'end'],
      ids.flatMap((id): GraphEdge[] => [
        ['root', id, ''],
        [id, 'end', '']
      ])
    )
  );
  assert.deepEqual(overlapping(result), []);
  for (const at of result.nodes) {
    assert.ok(at.x >= 0 && at.y >= 0);
    assert.ok(at.x + at.width <= result.width && at.y + NODE_HEIGHT <= result.height);
  }
});

test('a box is as wide as its label, which is cut only when it is very long', () => {
  const long = 'a'.repeat(80);
  const result = layout(
    graph(
      ['a', 'pre-deployment-checks', long],
      [
        ['a', 'pre-deployment-checks', 'when the numbers are good'],
        ['pre-deployment-checks', long, '']
      ]
    )
  );
  const [short, middle, cut] = result.nodes;
  assert.ok(short && middle && cut);
  assert.ok(short.width < middle.width && middle.width < cut.width);
  assert.equal(
    fitted('pre-deployment-checks', roomIn(middle.width), measures.node),
    'pre-deployment-checks'
  );
  const shown = fitted(long, roomIn(cut.width), measures.node);
  assert.ok(shown.endsWith('…') && measures.node(shown) <= roomIn(cut.width));
  const edge = result.edges[0];
  assert.ok(edge && edge.room > 80 && edge.room < middle.x - short.x - short.width);
  assert.deepEqual(overlapping(result), []);
});

test('a path begins where it should', () => {
  assert.equal(curve([]), '');
  assert.equal(
    curve([
      { x: 0, y: 0 },
      { x: 10, y: 0 }
    ]),
    'M0,0 L10,0'
  );
});
