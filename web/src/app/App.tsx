import { lazy, Suspense, useEffect, useState } from 'react';
import { useStore } from '../lib/store';
import { Help } from './Help';
import { listen } from './keys';
import { route, type Route } from './route';
import { bench, runProgram, stopProgram, workspace } from './state';
import { nextPane } from './panes';
import { TopBar } from './TopBar';
import { Workbench } from './Workbench';

const History = lazy(() => import('../pages/History'));
const Replay = lazy(() => import('../pages/Replay'));
const Diff = lazy(() => import('../pages/Diff'));
const Operations = lazy(() => import('../pages/Operations'));
const Shared = lazy(() => import('../pages/Shared'));

/** The page. */
export function App() {
  const current = useStore(route, (value) => value);
  const [help, setHelp] = useState(false);
  const inEditor = current.page === 'editor';
  const embedded = current.page === 'shared' && current.embedded;

  useEffect(
    () =>
      listen({
        run: () => inEditor && runProgram(),
        stop: stopProgram,
        save: () => workspace.flush(),
        nextPane: (back) => nextPane(back, (pane) => bench.set({ pane })),
        help: () => setHelp(true),
      }),
    [inEditor],
  );
  useEffect(() => {
    document.title = titleOf(current);
  }, [current]);

  return (
    <div className="flex h-full flex-col">
      {!embedded && <TopBar onHelp={() => setHelp(true)} />}
      <Suspense fallback={<p className="p-6 text-dim">Loading…</p>}>
        <Page route={current} />
      </Suspense>
      {help && <Help onClose={() => setHelp(false)} />}
    </div>
  );
}

function Page({ route: current }: { route: Route }) {
  switch (current.page) {
    case 'editor':
      return <Workbench />;
    case 'shared':
      return <Shared key={current.snippet} id={current.snippet} embedded={current.embedded} />;
    case 'history':
      return <History />;
    case 'replay':
      return <Replay key={current.run} id={current.run} />;
    case 'diff':
      return <Diff key={`${current.left} ${current.right}`} left={current.left} right={current.right} />;
    case 'operations':
      return <Operations />;
    case 'missing':
      return (
        <main className="p-6">
          <h1 className="text-lg font-semibold">There is no such page</h1>
          <p className="mt-2">
            <a className="link hit" href="/">
              To the editor
            </a>
          </p>
        </main>
      );
  }
}

function titleOf(current: Route): string {
  switch (current.page) {
    case 'editor':
      return 'Runlog';
    case 'shared':
      return 'Shared · Runlog';
    case 'history':
      return 'History · Runlog';
    case 'replay':
      return 'Replay · Runlog';
    case 'diff':
      return 'Difference · Runlog';
    case 'operations':
      return 'Operations · Runlog';
    case 'missing':
      return 'Not found · Runlog';
  }
}
