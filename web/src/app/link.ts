// Addresses that bring a program along: `/?lang=python&code=print(1)`.
import { freshOf } from '../workspace/project';
import { languageOf, languages } from './languages';
import { rename } from './route';
import { bench, workspace } from './state';

/** Opens the program of the address, where there is one. What was there before is put aside. */
export async function followLink(): Promise<void> {
  const query = new URLSearchParams(location.search);
  const code = query.get('code');
  const named = query.get('lang');
  if (location.pathname !== '/' || (code === null && named === null)) return;
  const list = await known();
  const wanted = named ?? workspace.project().language;
  const language = languageOf(list, wanted) ?? list.find(({ aliases }) => aliases.includes(wanted.toLowerCase()));
  // So that a reload does not open it once more.
  rename('/', '');
  if (!language) {
    bench.set({ notice: `The link is for “${wanted}”, which this server does not know.` });
    return;
  }
  if (code === null) return workspace.open(language);
  const mode = query.has('stdin') ? 'pipes' : 'terminal';
  const taken = workspace.take({ ...freshOf(language, code, mode), stdin: query.get('stdin') ?? '', args: query.get('args') ?? '' });
  if (!taken) bench.set({ notice: 'This browser has no room to put your own program aside, so the link was not opened.' });
}

/** The languages, as soon as they are known. */
function known() {
  return new Promise<ReturnType<typeof languages.get>['list']>((resolve) => {
    const look = () => {
      const { list } = languages.get();
      if (list.length === 0) return;
      stop();
      resolve(list);
    };
    const stop = languages.subscribe(look);
    look();
  });
}
