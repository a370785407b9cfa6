import * as React from 'react';
import { useTrans, useUid } from './hooks';
import { Icon } from './icons';
import { State } from './state';
import { clip } from '../model/format';
import type { IGraph } from '../model/snapshot';
import { lookOf, stateWord } from '../model/states';
import { curve, layout, NODE_HEIGHT, NODE_WIDTH, type IPlacedNode } from '../graph/layout';

interface IGraphProps {
  readonly graph: IGraph;
  /** Task id to the state to show; a task not in it has not started. */
  readonly states: ReadonlyMap<string, string>;
  readonly onSelect: (taskId: string) => void;
}

/** The flow as a picture: one tab stop, arrow keys between the tasks, and a table that says the same. */
export function GraphView(props: IGraphProps): React.ReactElement {
  const trans = useTrans();
  const [asTable, setAsTable] = React.useState(false);
  return (
    <div className="jp-gov-graph">
      {asTable ? <GraphTable {...props} /> : <GraphPicture {...props} />}
      <button
        type="button"
        className="jp-gov-link"
        aria-pressed={asTable}
        onClick={() => setAsTable(!asTable)}
      >
        {asTable ? trans.__('Show as graph') : trans.__('Show as table')}
      </button>
    </div>
  );
}

function GraphPicture({ graph, states, onSelect }: IGraphProps): React.ReactElement {
  const trans = useTrans();
  const placed = React.useMemo(() => layout(graph), [graph]);
  const arrow = useUid('arrow');
  const [current, setCurrent] = React.useState(0);
  const nodes = React.useRef<(SVGGElement | null)[]>([]);
  const box = React.useRef<HTMLDivElement>(null);

  const active = placed.nodes.findIndex(({ node }) =>
    ['RUNNING', 'PAUSED', 'FAILED', 'RETRYING'].includes(states.get(node.id) ?? '')
  );
  React.useEffect(() => {
    // What happens now should be in sight, without moving the page.
    const at = placed.nodes[active];
    if (at && box.current) {
      box.current.scrollLeft = at.x - box.current.clientWidth / 2 + NODE_WIDTH / 2;
    }
  }, [active, placed]);

  const move = (to: number) => {
    const index = Math.max(0, Math.min(placed.nodes.length - 1, to));
    setCurrent(index);
    nodes.current[index]?.focus();
  };
  const onKey = (event: React.KeyboardEvent, index: number) => {
    const steps: Readonly<Record<string, number>> = {
      ArrowRight: index + 1,
      ArrowDown: index + 1,
      ArrowLeft: index - 1,
      ArrowUp: index - 1,
      Home: 0,
      End: placed.nodes.length - 1
    };
    const to = steps[event.key];
    if (to !== undefined) {
      move(to);
    } else if (event.key === 'Enter' || event.key === ' ') {
      onSelect(placed.nodes[index]?.node.id ?? '');
    } else {
      return;
    }
    event.preventDefault();
    // Else the notebook takes the key for a command on its cells.
    event.stopPropagation();
  };
  return (
    // Lumino would take the arrow keys for a move to another cell before they come here.
    <div className="jp-gov-canvas" ref={box} data-lm-suppress-shortcuts="true">
      <svg
        width={placed.width}
        height={placed.height}
        viewBox={`0 0 ${placed.width} ${placed.height}`}
        role="group"
        aria-label={trans.__('Graph of the flow; arrow keys move between tasks, Enter opens one')}
      >
        <defs>
          <marker
            id={arrow}
            viewBox="0 0 8 8"
            refX="7"
            refY="4"
            markerWidth="7"
            markerHeight="7"
            orient="auto"
          >
            <path className="jp-gov-arrow" d="M0,0.5 L7,4 L0,7.5 Z" />
          </marker>
        </defs>
        {placed.edges.map((edge, index) => (
          <g key={index} aria-hidden="true">
            <path className="jp-gov-edge" d={curve(edge.points)} markerEnd={`url(#${arrow})`} />
            {edge.label && <EdgeLabel edge={edge} />}
          </g>
        ))}
        {placed.nodes.map((at, index) => (
          <GraphNode
            key={at.node.id}
            at={at}
            state={states.get(at.node.id) ?? null}
            focusable={index === current}
            hold={element => {
              nodes.current[index] = element;
            }}
            onFocus={() => setCurrent(index)}
            onClick={() => onSelect(at.node.id)}
            onKeyDown={event => onKey(event, index)}
          />
        ))}
      </svg>
    </div>
  );
}

function EdgeLabel({
  edge
}: {
  readonly edge: { readonly label: string; readonly points: readonly { x: number; y: number }[] };
}): React.ReactElement | null {
  const last = edge.points[edge.points.length - 1];
  return last ? (
    <text className="jp-gov-edgelabel" x={last.x - 8} y={last.y - 7} textAnchor="end">
      {clip(edge.label, 10)}
    </text>
  ) : null;
}

interface IGraphNodeProps {
  readonly at: IPlacedNode;
  readonly state: string | null;
  readonly focusable: boolean;
  readonly hold: (element: SVGGElement | null) => void;
  readonly onFocus: () => void;
  readonly onClick: () => void;
  readonly onKeyDown: (event: React.KeyboardEvent) => void;
}

function GraphNode(props: IGraphNodeProps): React.ReactElement {
  const { at, state } = props;
  const trans = useTrans();
  const look = lookOf(state);
  const word = stateWord(trans, state);
  return (
    <g
      ref={element => {
        // Preact writes the property's name, which SVG does not know as the attribute.
        element?.setAttribute('tabindex', props.focusable ? '0' : '-1');
        props.hold(element);
      }}
      className={`jp-gov-node jp-gov-kind-${at.node.kind} jp-gov-tone-${look.tone}`}
      transform={`translate(${at.x},${at.y})`}
      role="button"
      aria-label={`${at.node.label} ${word}`}
      data-node={at.node.id}
      data-state={state ?? 'NONE'}
      onFocus={props.onFocus}
      onClick={props.onClick}
      onKeyDown={props.onKeyDown}
    >
      <title>{`${at.node.label} – ${at.node.type} – ${word}`}</title>
      <rect
        className="jp-gov-box"
        width={NODE_WIDTH}
        height={NODE_HEIGHT}
        rx={at.node.kind === 'gate' ? NODE_HEIGHT / 2 : 5}
      />
      <text className="jp-gov-nodelabel" x="34" y="19">
        {clip(at.node.label, 17)}
      </text>
      <text className="jp-gov-nodestate" x="34" y="35">
        {word}
      </text>
      <g transform={`translate(12,${NODE_HEIGHT / 2 - 8})`} className="jp-gov-nodeicon">
        <Icon name={look.icon} />
      </g>
    </g>
  );
}

function GraphTable({ graph, states, onSelect }: IGraphProps): React.ReactElement {
  const trans = useTrans();
  const before = (id: string) =>
    graph.edges
      .filter(edge => edge[1] === id)
      .map(edge => (edge[2] ? `${edge[0]} (${edge[2]})` : edge[0]))
      .join(', ');
  return (
    <div
      className="jp-gov-scroll"
      tabIndex={0}
      role="group"
      aria-label={trans.__('Graph as a table')}
    >
      <table>
        <thead>
          <tr>
            <th scope="col">{trans.__('Task')}</th>
            <th scope="col">{trans.__('State')}</th>
            <th scope="col">{trans.__('Runs after')}</th>
            <th scope="col">{trans.__('Type')}</th>
          </tr>
        </thead>
        <tbody>
          {graph.nodes.map(node => (
            <tr key={node.id}>
              <td>
                <button type="button" className="jp-gov-link" onClick={() => onSelect(node.id)}>
                  {node.label}
                </button>
              </td>
              <td>
                <State state={states.get(node.id) ?? null} />
              </td>
              <td>{before(node.id)}</td>
              <td>
                <code>{node.type}</code>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
