import { useSyncExternalStore } from 'react';

/** A value that can be watched. */
export class Store<T> {
  private readonly listeners = new Set<() => void>();

  constructor(private value: T) {}

  readonly get = (): T => this.value;

  /** Replaces the given fields of the value; nobody hears of it where they are the same already. */
  set(next: Partial<T>): void {
    const same = (Object.keys(next) as (keyof T)[]).every((key) => Object.is(next[key], this.value[key]));
    if (!same) this.replace({ ...this.value, ...next });
  }

  /** Replaces the value. */
  replace(next: T): void {
    if (Object.is(next, this.value)) return;
    this.value = next;
    for (const listener of [...this.listeners]) listener();
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };
}

/** The part of a store's value that `select` names; it must give the same for the same value. */
export function useStore<T, S>(store: Store<T>, select: (value: T) => S): S {
  return useSyncExternalStore(store.subscribe, () => select(store.get()));
}
