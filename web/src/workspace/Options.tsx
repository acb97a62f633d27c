import type { LimitsRequest } from '../api/generated';
import { limitMs } from '../lib/format';
import { splitArgs } from './args';
import { LIMITS, limitProblem } from './limits';
import type { Project } from './project';

interface Props {
  readonly project: Project;
  /** Compiler options that the language allows. */
  readonly allowed: readonly string[];
  readonly change: (edit: (project: Project) => Project) => void;
}

/** In one line, what differs from the usual. */
export function optionsSummary({ mode, args, stdin, limits }: Project): string {
  const parts = [mode === 'terminal' ? 'Terminal' : stdin === '' ? 'No input' : 'Input given'];
  const given = splitArgs(args).length;
  if (given > 0) parts.push(`${given} ${given === 1 ? 'argument' : 'arguments'}`);
  parts.push(limitMs(limits.wall_ms ?? 10_000), `${limits.memory_mb ?? 256} MiB`);
  return parts.join(' · ');
}

/** How the program is run: input, arguments, limits. */
export function Options({ project, allowed, change }: Props) {
  const set = (next: Partial<Project>) => change((now) => ({ ...now, ...next }));
  const setLimit = (field: keyof LimitsRequest, text: string) => {
    const rest = Object.fromEntries(Object.entries(project.limits).filter(([name]) => name !== field));
    set({ limits: text === '' ? rest : { ...rest, [field]: Number(text) } });
  };
  return (
    <div className="grid gap-3 px-3 py-3">
      <fieldset className="flex flex-wrap items-center gap-4">
        <legend className="sr-only">Input</legend>
        <label className="flex min-h-7 pointer-coarse:min-h-11 items-center gap-2">
          <input type="radio" name="mode" checked={project.mode === 'terminal'} onChange={() => set({ mode: 'terminal' })} />
          Terminal: type while it runs
        </label>
        <label className="flex min-h-7 pointer-coarse:min-h-11 items-center gap-2">
          <input type="radio" name="mode" checked={project.mode === 'pipes'} onChange={() => set({ mode: 'pipes' })} />
          Pipes: input given beforehand, errors apart
        </label>
      </fieldset>
      {project.mode === 'pipes' && (
        <label className="grid gap-1">
          <span className="text-dim">Standard input</span>
          <textarea
            className="field min-h-16 font-mono"
            rows={3}
            spellCheck={false}
            value={project.stdin}
            onChange={(event) => set({ stdin: event.target.value })}
          />
        </label>
      )}
      <label className="grid gap-1">
        <span className="text-dim">Arguments, as in a shell</span>
        <input className="field font-mono" spellCheck={false} value={project.args} onChange={(event) => set({ args: event.target.value })} />
      </label>
      {allowed.length > 0 && (
        <label className="grid gap-1">
          <span className="text-dim">Options for the compiler, of these: {allowed.join(' ')}</span>
          <input className="field font-mono" spellCheck={false} value={project.options} onChange={(event) => set({ options: event.target.value })} />
        </label>
      )}
      <label className="grid gap-1">
        <span className="text-dim">Files to give back when it has ended, such as plot.png, *.csv, or . for all</span>
        <input className="field font-mono" spellCheck={false} value={project.outputs} onChange={(event) => set({ outputs: event.target.value })} />
      </label>
      <label className="grid gap-1">
        <span className="text-dim">Environment, a line each: NAME=value</span>
        <textarea className="field font-mono" rows={1} spellCheck={false} value={project.env} onChange={(event) => set({ env: event.target.value })} />
      </label>
      <div className="grid grid-cols-[repeat(auto-fill,minmax(8.5rem,1fr))] gap-3">
        {LIMITS.map(({ field, label, min, max, usual }) => {
          const value = project.limits[field];
          const problem = limitProblem(field, value);
          return (
            <label key={field} className="grid content-start gap-1">
              <span className="text-dim">{label}</span>
              <input
                className="field"
                type="number"
                inputMode="numeric"
                min={min}
                max={max}
                placeholder={String(usual)}
                aria-invalid={problem !== null}
                value={value ?? ''}
                onChange={(event) => setLimit(field, event.target.value)}
              />
              {problem && <span className="text-xs text-bad">{problem}</span>}
            </label>
          );
        })}
      </div>
    </div>
  );
}
