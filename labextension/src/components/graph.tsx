import * as React from 'react';
import { useTrans, useUid } from './hooks';
import { Icon } from './icons';
import { keepInSight, useHidden, usePlace, type Side } from './sight';
import { State } from './state';
import { fitted } from '../model/format';
import type { IGraph } from '../model/snapshot';
import { lookOf, stateWord } from '../model/states';
import {
  curve,
  layout,
  NODE_HEIGHT,
  roomIn,
  TEXT_LEFT,
  type IPlacedEdge,
  type IPlacedNode
} from '../graph/layout';
import { measuresIn } from '../graph/measure';

/** Of the full size, below which texts would be too small to read. */
const SMALLEST = 0.88;

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
  const box = React.useRef<HTMLDivElement>(null);
  const place = usePlace(box);
  const measures = React.useMemo(() => measuresIn(place.family), [place.family]);
  const placed = React.useMemo(() => layout(graph, measures), [graph, measures]);
  // A little too wide is better seen whole than cut; much too wide it would be too small to read.
  const fit = place.width / placed.width;
  const scale = fit >= SMALLEST && fit < 1 ? fit : 1;
  const arrow = useUid('arrow');
  const [current, setCurrent] = React.useState(0);
  const nodes = React.useRef<(SVGGElement | null)[]>([]);
  const hidden = useHidden(box, placed.width * scale);

  const active = placed.nodes.findIndex(({ node }) =>
    ['RUNNING', 'PAUSED', 'FAILED', 'RETRYING'].includes(states.get(node.id) ?? '')
  );
  const at = placed.nodes[active];
  React.useEffect(() => (at ? keepInSight(box.current, at) : undefined), [at?.x, at?.width]);
  const scroll = (direction: 1 | -1) =>
    box.current?.scrollBy({ left: direction * box.current.clientWidth * 0.7 });

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
    <div className="jp-gov-picture" data-hidden={hidden.join(' ')}>
      {/* Lumino would take the arrow keys for a move to another cell before they come here. */}
      <div className="jp-gov-canvas" ref={box} data-lm-suppress-shortcuts="true">
        <svg
          width={placed.width * scale}
          height={placed.height * scale}
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
              {edge.label && <EdgeLabel edge={edge} measure={measures.edge} />}
            </g>
          ))}
          {placed.nodes.map((at, index) => (
            <GraphNode
              key={at.node.id}
              at={at}
              measure={measures.node}
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
      {/* For pointers; by keyboard the arrow keys bring what is hidden into sight. */}
      {hidden.includes('left') && (
        <ScrollButton
          side="left"
          name={trans.__('Show what is left of this')}
          onClick={() => scroll(-1)}
        />
      )}
      {hidden.includes('right') && (
        <ScrollButton
          side="right"
          name={trans.__('Show what is right of this')}
          onClick={() => scroll(1)}
        />
      )}
    </div>
  );
}

function ScrollButton({
  side,
  name,
  onClick
}: {
  readonly side: Side;
  readonly name: string;
  readonly onClick: () => void;
}): React.ReactElement {
  return (
    <button
      type="button"
      className={`jp-gov-more jp-gov-more-${side}`}
      tabIndex={-1}
      aria-label={name}
      title={name}
      onClick={onClick}
    >
      <span className="jp-gov-chevron" aria-hidden="true" />
    </button>
  );
}

function EdgeLabel({
  edge,
  measure
}: {
  readonly edge: IPlacedEdge;
  readonly measure: (text: string) => number;
}): React.ReactElement | null {
  const last = edge.points[edge.points.length - 1];
  return last ? (
    <text className="jp-gov-edgelabel" x={last.x - 12} y={last.y - 7} textAnchor="end">
      <title>{edge.label}</title>
      {fitted(edge.label, edge.room, measure)}
    </text>
  ) : null;
}

interface IGraphNodeProps {
  readonly at: IPlacedNode;
  readonly measure: (text: string) => number;
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
        width={at.width}
        height={NODE_HEIGHT}
        rx={at.node.kind === 'gate' ? NODE_HEIGHT / 2 : 5}
      />
      <text className="jp-gov-nodelabel" x={TEXT_LEFT} y="19">
        {fitted(at.node.label, roomIn(at.width), props.measure)}
      </text>
      <text className="jp-gov-nodestate" x={TEXT_LEFT} y="35">
        {word}
      </text>
      <g transform={`translate(10,${NODE_HEIGHT / 2 - 8})`} className="jp-gov-nodeicon">
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
