import type { Diagnostic, Severity } from './diagnostics';
import { Icon, type IconName } from '../ui/icons';

const SIGNS: Record<Severity, IconName> = { error: 'cross', warning: 'warn', info: 'dot' };
const COLOURS: Record<Severity, string> = { error: 'text-bad', warning: 'text-warn', info: 'text-info' };

/** What compilers and interpreters said of the program, each leading to its place. */
export function Problems({ found, open }: { found: readonly Diagnostic[]; open: (place: Diagnostic) => void }) {
  if (found.length === 0) return null;
  return (
    <section aria-label="Problems" className="border-t border-line bg-panel" data-pane="problems">
      <ul className="max-h-32 overflow-y-auto py-1">
        {found.map((one) => (
          <li key={`${one.file}:${one.line}:${one.column}:${one.message}`}>
            <button type="button" className="btn h-auto w-full justify-start text-left" onClick={() => open(one)}>
              <span className={`shrink-0 ${COLOURS[one.severity]}`}>
                <Icon name={SIGNS[one.severity]} size={14} />
              </span>
              <span className="sr-only">{one.severity}: </span>
              <span className="min-w-0 truncate">{one.message}</span>
              <span className="shrink-0 text-dim">
                {one.file}:{one.line}
              </span>
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}
