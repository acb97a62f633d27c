import type { CSSProperties } from 'react';
import type { Diagnostic } from '../run/diagnostics';
import { PLAIN, type Style } from './ansi';
import type { Span } from './text';

/** Where messages of compilers lead to. */
export interface Places {
  readonly files: readonly string[];
  readonly entry: string;
  open(place: Diagnostic): void;
}

/** A piece of text with its colours. */
export function Line({ span }: { span: Span }) {
  return span.style === PLAIN ? span.text : <span style={cssOf(span.style)}>{span.text}</span>;
}

function cssOf(style: Style): CSSProperties {
  const fg = style.fg === null ? undefined : colourOf(style.fg);
  const bg = style.bg === null ? undefined : colourOf(style.bg);
  const [color, backgroundColor] = style.inverse ? [bg ?? 'var(--bg)', fg ?? 'var(--ink)'] : [fg, bg];
  return {
    color,
    backgroundColor,
    fontWeight: style.bold ? 700 : undefined,
    opacity: style.dim ? 0.75 : undefined,
    fontStyle: style.italic ? 'italic' : undefined,
    textDecoration: style.underline ? 'underline' : undefined,
  };
}

function colourOf(colour: number | string): string {
  return typeof colour === 'number' ? `var(--ansi-${colour})` : colour;
}
