/** The entry that anywidget loads: `render` draws a view of the model and returns how to end it. */

import * as React from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './app';
import type { IWidgetModel } from './kernel';

interface IRenderProps {
  readonly model: IWidgetModel;
  readonly el: HTMLElement;
}

function render({ model, el }: IRenderProps): () => void {
  el.classList.add('jp-gov-widget');
  // Else the notebook takes keys typed into our fields for its own shortcuts.
  el.addEventListener('keydown', keepTyping);
  const root = createRoot(el);
  root.render(<App model={model} />);
  return () => {
    root.unmount();
    el.removeEventListener('keydown', keepTyping);
  };
}

function keepTyping(event: KeyboardEvent): void {
  const target = event.target;
  if (target instanceof HTMLElement && target.closest('input, textarea, select')) {
    event.stopPropagation();
  }
}

export default { render };
