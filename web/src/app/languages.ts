import * as client from '../api/client';
import { backoffMs } from '../api/backoff';
import { ApiError } from '../api/error';
import type { LanguageView } from '../api/generated';
import { Store } from '../lib/store';

/** The languages, as far as they are known. */
export interface LanguagesState {
  readonly list: readonly LanguageView[];
  /** Why they cannot be had; it is tried again by itself. */
  readonly error: ApiError | null;
}

export const languages = new Store<LanguagesState>({ list: [], error: null });

/** Fetches the languages, however long it takes until the edge answers. */
export async function loadLanguages(): Promise<void> {
  for (let failures = 0; ; failures += 1) {
    try {
      const { languages: list } = await client.languages();
      languages.replace({ list, error: null });
      return;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      languages.set({ error });
      await new Promise((resolve) => setTimeout(resolve, backoffMs(failures, Math.random())));
    }
  }
}

/** A language by its id. */
export function languageOf(list: readonly LanguageView[], id: string): LanguageView | undefined {
  return list.find((language) => language.id === id);
}
