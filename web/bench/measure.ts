// What is run inside the page to measure it. Each function stands by itself: it is sent as text.

declare global {
  interface Window {
    runlogLoad: { painted: number; usable: number; tasks: number[] };
    runlogKeys: number[];
    runlogInputs: number[];
    runlogTasks: number[];
  }
}

/** Notes when the shell is painted, when Run is there, and every long task. */
export function watchLoad(): void {
  const load = { painted: 0, usable: 0, tasks: [] as number[] };
  window.runlogLoad = load;
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) if (entry.name === 'first-contentful-paint') load.painted = entry.startTime;
  }).observe({ type: 'paint', buffered: true });
  new PerformanceObserver((list) => load.tasks.push(...list.getEntries().map((entry) => entry.duration))).observe({ type: 'longtask', buffered: true });
  const looking = new MutationObserver(() => {
    if (!document.querySelector('.btn-run')) return;
    load.usable = performance.now();
    looking.disconnect();
  });
  looking.observe(document, { childList: true, subtree: true });
}

/** Clicks on Run and waits until an output is drawn; gives the time that it took. */
export function runToOutput(expected: string): Promise<number> {
  return new Promise((resolve) => {
    const began = performance.now();
    const looking = new MutationObserver(() => {
      if (!document.querySelector('[data-testid="output"]')?.textContent.includes(expected)) return;
      looking.disconnect();
      requestAnimationFrame(() => resolve(performance.now() - began));
    });
    looking.observe(document, { childList: true, subtree: true, characterData: true });
    document.querySelector<HTMLButtonElement>('.btn-run')?.click();
  });
}

/** Notes for each key how long it takes until a program has answered on the screen. */
export function keyToScreen(): void {
  const times: number[] = [];
  window.runlogKeys = times;
  const shown = () => (document.querySelector('.xterm-rows')?.textContent ?? '').replace(/\s/g, '').length;
  let began = 0;
  let before = shown();
  addEventListener(
    'keydown',
    () => {
      began = performance.now();
      before = shown();
    },
    { capture: true },
  );
  new MutationObserver(() => {
    if (began === 0 || shown() <= before) return;
    times.push(performance.now() - began);
    began = 0;
  }).observe(document.querySelector('.xterm-rows') ?? document, { childList: true, subtree: true, characterData: true });
}

/** Notes every long task from now on. */
export function longTasks(): void {
  const tasks: number[] = [];
  window.runlogTasks = tasks;
  new PerformanceObserver((list) => tasks.push(...list.getEntries().map((entry) => entry.duration))).observe({ type: 'longtask' });
}

/** Notes for each key how long it takes until the next picture. */
export function inputWhileBusy(): void {
  const times: number[] = [];
  window.runlogInputs = times;
  addEventListener('keydown', (event) => requestAnimationFrame(() => times.push(performance.now() - event.timeStamp)), { capture: true });
}
