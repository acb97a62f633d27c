// Which blocks of a long output are near what can be seen of it.

/** How far beyond the edges of what is seen counts as near. */
const MARGIN = '1200px 0px';

/** Tells elements in a scroller whether they are near what is seen. */
export class NearView {
  private observer: IntersectionObserver | null = null;
  private readonly told = new Map<Element, (near: boolean) => void>();

  /** Begins to look at a scroller; gives what ends it. */
  open(root: Element): () => void {
    const observer = new IntersectionObserver(
      (entries) => {
        for (const { target, isIntersecting } of entries) this.told.get(target)?.(isIntersecting);
      },
      { root, rootMargin: MARGIN },
    );
    this.observer = observer;
    for (const element of this.told.keys()) observer.observe(element);
    return () => {
      observer.disconnect();
      this.observer = null;
    };
  }

  /** Tells of one element from now on, until the returned function is called. */
  watch(element: Element, tell: (near: boolean) => void): () => void {
    this.told.set(element, tell);
    this.observer?.observe(element);
    return () => {
      this.told.delete(element);
      this.observer?.unobserve(element);
    };
  }
}
