import { useEffect, useLayoutEffect, useRef, useState } from 'react';
import { count } from '../lib/format';
import { BlockView } from './BlockView';
import type { Places } from './Line';
import { NearView } from './nearView';
import type { OutputSource } from './source';
import { OutputText } from './text';

interface Props {
  readonly source: OutputSource;
  /** Whether input is to be shown; a terminal echoes it by itself. */
  readonly echo: boolean;
  /** Where messages of compilers lead to. */
  readonly places: Places | null;
}

/** How often a screen reader is told how much has come. */
const SUMMARY_MS = 2000;

/** Output as real text: it can be selected, searched and read aloud, however long it is. */
export function TextView({ source, echo, places }: Props) {
  const scroller = useRef<HTMLDivElement>(null);
  const [text] = useState(() => new OutputText());
  const [view] = useState(() => new NearView());
  const [version, setVersion] = useState(0);
  const [atEnd, setAtEnd] = useState(true);

  useEffect(() => {
    let frame = 0;
    const draw = () => {
      frame ||= requestAnimationFrame(() => {
        frame = 0;
        setVersion((number) => number + 1);
      });
    };
    const stop = source.listen({
      clear() {
        text.clear();
        draw();
      },
      chunks(chunks) {
        for (const chunk of chunks) text.push(chunk, echo);
        draw();
      },
    });
    return () => {
      stop();
      text.clear();
      cancelAnimationFrame(frame);
    };
  }, [source, text, echo]);

  useLayoutEffect(() => {
    const element = scroller.current;
    if (!element || !atEnd) return undefined;
    const toEnd = () => {
      element.scrollTop = element.scrollHeight;
    };
    toEnd();
    // A block that comes into view is measured, and may turn out to be higher than was thought.
    const observer = new ResizeObserver(toEnd);
    for (const block of [...element.children].slice(-2)) observer.observe(block);
    return () => observer.disconnect();
  }, [version, atEnd]);

  useLayoutEffect(() => (scroller.current ? view.open(scroller.current) : undefined), [view]);

  const before = useRef(0);
  const onScroll = () => {
    const element = scroller.current;
    if (!element) return;
    // Only who goes up leaves the end; output that grows does not.
    const up = element.scrollTop < before.current - 4;
    before.current = element.scrollTop;
    if (element.scrollHeight - element.scrollTop - element.clientHeight < 24) setAtEnd(true);
    else if (up) setAtEnd(false);
  };

  return (
    <div className="relative min-h-0 flex-1">
      <div
        ref={scroller}
        onScroll={onScroll}
        tabIndex={0}
        role="log"
        aria-live="off"
        aria-label="Output"
        data-testid="output"
        className="output absolute inset-0 overflow-y-auto py-2 [overflow-anchor:none]"
      >
        {text.blocks.map((block, at, all) => (
          <BlockView key={block.key} block={block} version={block.version} places={places} view={view} near={at >= all.length - 2} />
        ))}
      </div>
      <Summary text={text} version={version} />
      {!atEnd && (
        <button type="button" className="btn btn-line absolute right-4 bottom-3 shadow" onClick={() => setAtEnd(true)}>
          To the end · {count(text.lines)} lines
        </button>
      )}
    </div>
  );
}

/** Tells a screen reader how much has come, not every line of it. */
function Summary({ text, version }: { text: OutputText; version: number }) {
  const [said, setSaid] = useState({ lines: 0, sentence: '' });
  useEffect(() => {
    const timer = setTimeout(() => {
      setSaid((before) => {
        const more = text.lines - before.lines;
        if (more <= 0) return text.lines === before.lines ? before : { lines: text.lines, sentence: '' };
        return { lines: text.lines, sentence: `${more} more ${more === 1 ? 'line' : 'lines'} of output` };
      });
    }, SUMMARY_MS);
    return () => clearTimeout(timer);
  }, [text, version]);
  return (
    <p className="sr-only" aria-live="polite">
      {said.sentence}
    </p>
  );
}
