/** What of a picture that scrolls is in sight. */

import * as React from 'react';
import type { IPlacedNode } from '../graph/layout';

interface IPlace {
  readonly family: string;
  readonly width: number;
}

/** Font and width of what holds the picture; known only once it is in the page, which a widget's view is not at first. */
export function usePlace(box: React.RefObject<HTMLElement | null>): IPlace {
  const [place, setPlace] = React.useState<IPlace>({ family: '', width: 0 });
  React.useEffect(() => {
    const element = box.current;
    if (!element) {
      return undefined;
    }
    const watcher = new ResizeObserver(() => {
      const family = getComputedStyle(element).fontFamily;
      const width = element.clientWidth;
      setPlace(before =>
        before.family === family && before.width === width ? before : { family, width }
      );
    });
    watcher.observe(element);
    return () => watcher.disconnect();
  }, [box]);
  return place;
}

/** Scroll no further than it takes to see a node and what is next to it, also after the page was made narrower. */
export function keepInSight(box: HTMLElement | null, at: IPlacedNode): (() => void) | undefined {
  if (!box) {
    return undefined;
  }
  const look = () => {
    const [left, right] = [at.x - BESIDE, at.x + at.width + BESIDE];
    if (right - left > box.clientWidth || left < box.scrollLeft) {
      box.scrollLeft = left;
    } else if (right > box.scrollLeft + box.clientWidth) {
      box.scrollLeft = right - box.clientWidth;
    }
  };
  const watcher = new ResizeObserver(look);
  // Looks at once, too.
  watcher.observe(box);
  return () => watcher.disconnect();
}

const BESIDE = 64;

export type Side = 'left' | 'right' | 'top' | 'bottom';

/** The sides on which a part of what scrolls in `box` is out of sight. */
export function useHidden(
  box: React.RefObject<HTMLElement | null>,
  content: unknown
): readonly Side[] {
  const [hidden, setHidden] = React.useState<readonly Side[]>([]);
  React.useEffect(() => {
    const element = box.current;
    if (!element) {
      return;
    }
    const look = () => {
      const right = element.scrollWidth - element.clientWidth - element.scrollLeft;
      const bottom = element.scrollHeight - element.clientHeight - element.scrollTop;
      const sides: Readonly<Record<Side, number>> = {
        left: element.scrollLeft,
        right,
        top: element.scrollTop,
        bottom
      };
      const found = (Object.keys(sides) as Side[]).filter(side => sides[side] > 2);
      setHidden(before => (before.join() === found.join() ? before : found));
    };
    look();
    element.addEventListener('scroll', look, { passive: true });
    const watcher = new ResizeObserver(look);
    watcher.observe(element);
    return () => {
      element.removeEventListener('scroll', look);
      watcher.disconnect();
    };
  }, [box, content]);
  return hidden;
}
