import { Store } from '../lib/store';

/** What the address asks for. */
export type Route =
  | { readonly page: 'editor'; readonly run: string | null }
  | { readonly page: 'replay'; readonly run: string }
  | { readonly page: 'diff'; readonly left: string; readonly right: string }
  | { readonly page: 'shared'; readonly snippet: string; readonly embedded: boolean }
  | { readonly page: 'history' }
  | { readonly page: 'operations' }
  | { readonly page: 'missing' };

/** Reads an address. The edge answers these paths, and no other, with the page. */
export function parse(path: string): Route {
  const parts = path.split('/').filter((part) => part !== '');
  const [first, second, third] = parts;
  if (first === undefined) return { page: 'editor', run: null };
  if (first === 'runs' && second !== undefined && parts.length === 2) return { page: 'editor', run: second };
  if (first === 'runs' && second !== undefined && third === 'replay') return { page: 'replay', run: second };
  if (first === 'diff' && second !== undefined && third !== undefined) {
    return { page: 'diff', left: second, right: third };
  }
  if ((first === 's' || first === 'embed') && second !== undefined && parts.length === 2) {
    return { page: 'shared', snippet: second, embedded: first === 'embed' };
  }
  if (first === 'history' && parts.length === 1) return { page: 'history' };
  if (first === 'ops' && parts.length === 1) return { page: 'operations' };
  return { page: 'missing' };
}

export const route = new Store<Route>(parse(location.pathname));

addEventListener('popstate', () => route.replace(parse(location.pathname)));

/** Goes to an address of this page. */
export function go(path: string): void {
  if (path !== location.pathname) history.pushState(null, '', path);
  route.replace(parse(path));
}

/** Puts another address in the place of this one, without a step in the browser's history. */
export function rename(path: string, query = location.search): void {
  if (path + query !== location.pathname + location.search) history.replaceState(null, '', path + query);
  route.replace(parse(path));
}
