// A program that was pasted into the project of another language: noticed, and moved where it belongs.
import type { LanguageView } from '../api/generated';
import { insertion, languageOfText } from '../workspace/guess';
import { freeName } from '../workspace/names';
import { activeFile, names, withFile, withText } from '../workspace/project';
import { Store } from '../lib/store';
import { languages } from './languages';
import { workspace } from './state';

/** What was pasted, and what it looks like. */
interface Pasted {
  readonly language: LanguageView;
  readonly text: string;
  /** The file that it was pasted into, of which language, and what stood there before. */
  readonly into: { readonly language: string; readonly name: string; readonly before: string };
}

export const pasted = new Store<{ readonly guess: Pasted | null }>({ guess: null });

/** Takes over what was typed or pasted into a document of the editor. */
export function takeText(key: string, text: string): void {
  const project = workspace.project();
  const { language } = project;
  if (!key.startsWith(`${language}/`)) return;
  const name = key.slice(language.length + 1);
  const content = activeFile(project)?.content;
  const before = content && 'text' in content ? content.text : '';
  workspace.change((now) => withText(now, name, text));
  const more = insertion(before, text);
  if (more === null) return;
  const guess = languageOfText(more, language, languages.get().list);
  pasted.set({ guess: guess && { language: guess, text: more, into: { language, name, before } } });
}

/** Moves it to the programs of its own language, and leaves behind what was there before. */
export function openPasted(): void {
  const { guess } = pasted.get();
  forgetPasted();
  if (guess === null || workspace.project().language !== guess.into.language) return;
  const { language, text, into } = guess;
  workspace.change((now) => withText(now, into.name, into.before));
  workspace.open(language);
  workspace.change((now) => {
    const first = now.files.find(({ name }) => name === language.entry);
    const untouched = first && 'text' in first.content && first.content.text === language.hello_world;
    const name = untouched ? language.entry : freeName(language.entry, names(now));
    return { ...withFile(now, { name, content: { text } }), entry: name };
  });
}

/** It stays where it is. */
export function forgetPasted(): void {
  pasted.set({ guess: null });
}
