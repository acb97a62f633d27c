import { memo, useEffect, useRef, useState } from 'react';
import { placeIn } from '../run/diagnostics';
import { Line, type Places } from './Line';
import type { NearView } from './nearView';
import type { Block, Segment } from './text';

interface Props {
  readonly block: Block;
  /** Grows with each change; a block whose version stays is not drawn again. */
  readonly version: number;
  readonly places: Places | null;
  readonly view: NearView;
  /** Whether it is taken to be near what is seen until the browser has said so. */
  readonly near: boolean;
}

const NAMES: Record<Segment['source'], string> = {
  stdout: '',
  stderr: 'Standard error: ',
  compiler: 'Compiler: ',
  input: 'Input: ',
  note: '',
};

/** With more pieces than this a block that is far away is drawn as one plain text. */
const FEW_PIECES = 8;

/**
 * A block of output. Far from what is seen its text is there, to be searched and selected, but
 * neither its colours nor its links are, so that output of many small pieces costs no more than
 * what fits on the screen.
 */
export const BlockView = memo(function BlockView({ block, places, view, near: first }: Props) {
  const element = useRef<HTMLDivElement>(null);
  const [near, setNear] = useState(first);
  useEffect(() => (element.current ? view.watch(element.current, setNear) : undefined), [view]);
  return (
    <div ref={element} className="output-block">
      {near || block.pieces <= FEW_PIECES ? (
        block.segments.map((segment, at) => (
          <div key={at} className="segment" data-source={segment.source}>
            {NAMES[segment.source] !== '' && <span className="sr-only">{NAMES[segment.source]}</span>}
            <Content segment={segment} places={near ? places : null} />
          </div>
        ))
      ) : (
        <div className="segment">{block.segments.map(plainOf).join('')}</div>
      )}
    </div>
  );
});

const plainOf = (segment: Segment) => segment.spans.map((span) => span.text).join('');

/** The text of a segment; line by line only where a line can lead somewhere. */
function Content({ segment, places }: { segment: Segment; places: Places | null }) {
  const mayLead = places !== null && segment.source !== 'input' && segment.source !== 'note';
  const plain = mayLead ? plainOf(segment) : '';
  const leads = mayLead && plain.length < 20_000 && plain.split('\n').some((line) => placeIn(line, places.files, places.entry));
  if (!leads) return segment.spans.map((span, at) => <Line key={at} span={span} />);
  return plain.split('\n').map((line, at, all) => {
    const place = placeIn(line, places.files, places.entry);
    const end = at < all.length - 1 ? '\n' : '';
    if (!place) return line + end;
    return (
      <span key={at}>
        <button type="button" className="place" onClick={() => places.open(place)}>
          {line}
        </button>
        {end}
      </span>
    );
  });
}
