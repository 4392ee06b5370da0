/** How long the parts of a request take on one kind of machine. All times in milliseconds. */
export interface ServiceTimes {
  /** One run of the vision graph over so many pictures. */
  readonly encodeMs: (pictures: number) => number;
  /** The prompt's positions from `start` to `end`. */
  readonly prefillMs: (start: number, end: number) => number;
  /** One token for each of so many answers, which have so many positions together. */
  readonly stepMs: (answers: number, positions: number) => number;
  /** What comes on top of the engine up to the first token: HTTP, tokenizer, hashing, look-ups, gRPC. */
  readonly overheadMs: number;
}
