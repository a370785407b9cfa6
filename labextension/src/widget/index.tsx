/** The entry that anywidget loads: `render` draws a view of the model and returns how to end it. */

import * as React from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './app';
import type { IWidgetModel } from './kernel';
import { isSnapshot } from '../model/snapshot';

interface IRenderProps {
  readonly model: IWidgetModel;
  readonly el: HTMLElement;
}

function render({ model, el }: IRenderProps): () => void {
  el.classList.add('jp-gov-widget');
  const keep = (event: Event) => event.stopPropagation();
  // Else the notebook takes keys typed into our fields for its own shortcuts.
  el.addEventListener('keydown', keepTyping);
  el.addEventListener('contextmenu', keep);
  const root = createRoot(el);
  root.render(<App model={model} />);
  const shown = hideStatic(model, el);
  return () => {
    shown();
    root.unmount();
    el.removeEventListener('keydown', keepTyping);
    el.removeEventListener('contextmenu', keep);
  };
}

function keepTyping(event: KeyboardEvent): void {
  const target = event.target;
  if (target instanceof HTMLElement && target.closest('input, textarea, select')) {
    event.stopPropagation();
  }
}

/**
 * Hides the static form of the same execution while the live one is there, and shows it again after: an output that is
 * saved with both says everything even where no kernel is left.
 */
function hideStatic(model: IWidgetModel, el: HTMLElement): () => void {
  const snapshot = model.get('snapshot');
  if (!isSnapshot(snapshot)) {
    return () => undefined;
  }
  const hidden: HTMLElement[] = [];
  const look = () => {
    const area = el.closest('.jp-OutputArea');
    for (const found of area?.querySelectorAll<HTMLElement>('.jp-gov-static') ?? []) {
      if (found.dataset.execution === snapshot.execution.id) {
        const output = found.closest<HTMLElement>('.jp-OutputArea-child') ?? found;
        output.hidden = true;
        hidden.push(output);
      }
    }
  };
  // The view is put into the page after it was rendered.
  const frame = requestAnimationFrame(look);
  return () => {
    cancelAnimationFrame(frame);
    hidden.forEach(output => (output.hidden = false));
  };
}

export default { render };
