// The one workspace of this page, and what Run does with it.
import { loadLanguages, languages, languageOf } from './languages';
import { restore, start, activeRun, runs } from './runs';
import { session } from './settings';
import { limitProblem, LIMITS } from '../workspace/limits';
import type { LanguageView } from '../api/generated';
import { freeName } from '../workspace/names';
import { LARGEST_BYTES, names, type ProjectFile, requestOf, totalBytes, withFile, without } from '../workspace/project';
import { Workspace } from '../workspace/workspace';
import { Store } from '../lib/store';

export const workspace = new Workspace('terminal');

/** Which pane a narrow page shows. */
export type Pane = 'files' | 'code' | 'console';

/** What the workbench is doing. */
export interface BenchState {
  readonly pane: Pane;
  /** Why Run did nothing. */
  readonly notice: string | null;
  readonly options: boolean;
}

export const bench = new Store<BenchState>({ pane: 'code', notice: null, options: false });

/** Starts what must be there: languages, tabs of before. */
export function begin(): void {
  restore();
  void loadLanguages();
  if (activeRun(runs.get()) !== null) bench.set({ pane: 'console' });
}

/** Runs the program as it stands. */
export function runProgram(): void {
  workspace.flush();
  const project = workspace.project();
  const wrong = LIMITS.find(({ field }) => limitProblem(field, project.limits[field]) !== null);
  if (wrong) {
    bench.set({ notice: `${wrong.label}: ${wrong.min} to ${wrong.max}.`, options: true, pane: 'code' });
    return;
  }
  if (totalBytes(project) > LARGEST_BYTES) {
    bench.set({ notice: 'The files come to more than the 1 MB that a program may have.' });
    return;
  }
  bench.set({ notice: null, pane: 'console' });
  const usual = languageOf(languages.get().list, project.language)?.entry;
  start(requestOf(project, usual, session, terminalSize()));
}

/** Takes files out of this program and puts them beside those of another language. */
export function move(files: readonly ProjectFile[], to: LanguageView): void {
  for (const { name } of files) workspace.change((now) => (now.files.length > 1 ? without(now, name) : now));
  workspace.open(to);
  for (const { name, content } of files) {
    workspace.change((now) => {
      const free = freeName(name, names(now));
      return { ...withFile(now, { name: free, content }), entry: free };
    });
  }
}

/** Stops the run that is shown. */
export function stopProgram(): void {
  const run = activeRun(runs.get());
  if (run?.alive) void run.stop();
}

/** A terminal's size, and that of the pane that it was measured in. */
interface Measured {
  readonly columns: number;
  readonly rows: number;
  readonly width: number;
  readonly height: number;
}

const CELL_WIDTH = 7.83;
const CELL_HEIGHT = 18;
let measured: Measured | null = null;

const pane = () => document.querySelector<HTMLElement>('[data-pane="console"]');

/** Remembers how much of a terminal fits into the console. */
export function measure(columns: number, rows: number): void {
  measured = { columns, rows, width: pane()?.clientWidth ?? 0, height: pane()?.clientHeight ?? 0 };
}

/** The size that the terminal will have, or about that; it says the exact one when it is there. */
function terminalSize(): { columns: number; rows: number } {
  const width = pane()?.clientWidth ?? 0;
  const height = pane()?.clientHeight ?? 0;
  if (width === 0 || height === 0) return { columns: 80, rows: 24 };
  if (measured?.width === width && measured.height === height) {
    return { columns: measured.columns, rows: measured.rows };
  }
  const clamp = (value: number, least: number) => Math.max(least, Math.min(1000, Math.floor(value)));
  return {
    columns: clamp((width - 28) / CELL_WIDTH, 20),
    rows: clamp((height - 90) / CELL_HEIGHT, 5),
  };
}
