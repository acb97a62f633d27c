// What this browser keeps. Every key begins with `runlog.`; nothing here throws.

const prefix = 'runlog.';

/** Reads what was kept; `null` where there is nothing or it cannot be read. */
export function load(key: string): unknown {
  try {
    return JSON.parse(localStorage.getItem(prefix + key) ?? 'null');
  } catch {
    return null;
  }
}

/** Keeps a value; `false` where the browser has no room or does not allow it. */
export function save(key: string, value: unknown): boolean {
  try {
    localStorage.setItem(prefix + key, JSON.stringify(value));
    return true;
  } catch {
    return false;
  }
}

/** Hears of what another tab of this browser has kept. */
export function onOtherTab(listener: (key: string) => void): () => void {
  const heard = (event: StorageEvent) => {
    if (event.key?.startsWith(prefix)) listener(event.key.slice(prefix.length));
  };
  addEventListener('storage', heard);
  return () => removeEventListener('storage', heard);
}

/** Reads what this tab alone keeps. */
export function loadTab(key: string): unknown {
  try {
    return JSON.parse(sessionStorage.getItem(prefix + key) ?? 'null');
  } catch {
    return null;
  }
}

/** Keeps a value for this tab alone. */
export function saveTab(key: string, value: unknown): void {
  try {
    sessionStorage.setItem(prefix + key, JSON.stringify(value));
  } catch {
    // Without it a reload opens fewer tabs; nothing that was typed is lost.
  }
}
