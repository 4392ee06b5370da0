/** Maps items with at most `width` of them under way at once; results come in the order of the items. */
export async function* mapInOrder<T, R>(
  items: Iterable<T>,
  width: number,
  map: (item: T) => Promise<R>,
): AsyncGenerator<R> {
  const underWay: Promise<R>[] = [];
  try {
    for (const item of items) {
      const result = map(item);
      // Whoever waits for an earlier one hears of a failure in its turn.
      result.catch(() => undefined);
      underWay.push(result);
      const first = underWay.length < width ? undefined : underWay.shift();
      if (first !== undefined) yield await first;
    }
    while (underWay.length > 0) yield* underWay.splice(0, 1);
  } finally {
    // Nothing goes on reading once the caller has left.
    await Promise.allSettled(underWay);
  }
}
