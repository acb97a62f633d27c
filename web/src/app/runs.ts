// The runs that are open in tabs, and which of them is shown.
import * as v from 'valibot';
import type { SubmitRequest } from '../api/generated';
import { Store } from '../lib/store';
import { Run } from '../run/run';
import { loadTab, saveTab } from '../workspace/storage';
import { go, rename, route } from './route';

/** The open tabs. */
export interface RunsState {
  readonly open: readonly Run[];
  readonly active: string | null;
}

const MOST_TABS = 12;
const Kept = v.object({ open: v.array(v.string()), mine: v.array(v.string()) });

export const runs = new Store<RunsState>({ open: [], active: null });

/** Ids of runs that were sent from this tab: it alone decides on the size of their terminal. */
const mine = new Set<string>();

export const isMine = (run: Run): boolean => mine.has(run.state.get().id ?? run.key) || run.sentHere;

/** Opens the tabs of before a reload, and the run of the address. */
export function restore(): void {
  const kept = v.safeParse(Kept, loadTab('runs'));
  const current = route.get();
  const wanted = current.page === 'editor' ? current.run : null;
  const ids = kept.success ? kept.output.open : [];
  if (kept.success) for (const id of kept.output.mine) mine.add(id);
  if (wanted !== null && !ids.includes(wanted)) ids.push(wanted);
  const open = ids.map((id) => Run.open(id));
  runs.replace({ open, active: wanted ?? null });
  route.subscribe(follow);
}

/** Sends a program and shows its run. */
export function start(body: SubmitRequest): Run {
  const run = Run.send(body, () => {
    const { id } = run.state.get();
    if (id === null) return;
    mine.add(id);
    keep();
    if (runs.get().active === run.key) rename(`/runs/${id}`);
  });
  const { open } = runs.get();
  runs.replace({ open: trimmed([...open, run]), active: run.key });
  return run;
}

/** Shows a run that was begun from here on the edge's side. */
export function watch(id: string): void {
  mine.add(id);
  go(`/runs/${id}`);
}

/** Shows the run of a tab. */
export function activate(run: Run): void {
  runs.set({ active: run.key });
  const { id } = run.state.get();
  rename(id === null ? '/' : `/runs/${id}`);
}

/** Closes a tab. The run goes on. */
export function close(run: Run): void {
  const { open, active } = runs.get();
  const at = open.indexOf(run);
  const left = open.filter((other) => other !== run);
  run.close();
  runs.replace({ open: left, active });
  keep();
  if (active !== run.key) return;
  const next = left[Math.min(at, left.length - 1)];
  if (next) activate(next);
  else {
    runs.set({ active: null });
    rename('/');
  }
}

export const activeRun = ({ open, active }: RunsState): Run | null =>
  open.find((run) => run.key === active) ?? null;

/** Shows the run that the address names, after a step back or forth. */
function follow(): void {
  const current = route.get();
  if (current.page !== 'editor' || current.run === null) return;
  const { open } = runs.get();
  const known = open.find((run) => run.state.get().id === current.run);
  if (known) {
    runs.set({ active: known.key });
    return;
  }
  const run = Run.open(current.run);
  runs.replace({ open: trimmed([...open, run]), active: run.key });
  keep();
}

/** Makes room by closing the oldest tabs whose runs have ended. */
function trimmed(open: readonly Run[]): readonly Run[] {
  const surplus = open.filter((run) => !run.alive).slice(0, Math.max(0, open.length - MOST_TABS));
  for (const run of surplus) run.close();
  return open.filter((run) => !surplus.includes(run));
}

function keep(): void {
  const open = runs.get().open.flatMap((run) => (run.state.get().error?.missing ? [] : (run.state.get().id ?? [])));
  saveTab('runs', { open, mine: [...mine].filter((id) => open.includes(id)) });
}
