/**
 * A reader for the part of Python's pickle protocol 2 that torch.save writes for a state dict
 * (https://github.com/python/cpython/blob/main/Lib/pickletools.py). Nothing in a pickle is executed: a global is looked
 * up in a closed table of the caller, and calling it is one of the caller's functions.
 */

/** A tuple is an array, a dict a Map with string keys, None is null, a global one of the caller's. */
export type PickleValue = unknown;

/** What a pickle may name. Without `call` it can be an argument, not be called. */
export class PickleGlobal {
  readonly name: string;
  readonly call: ((args: readonly PickleValue[]) => PickleValue) | undefined;

  constructor(name: string, call?: (args: readonly PickleValue[]) => PickleValue) {
    this.name = name;
    this.call = call;
  }
}

/** The only things that a pickle can reach. Both functions throw an Error for arguments that they do not accept. */
export interface PickleEnvironment {
  /** By dotted name. */
  readonly globals: ReadonlyMap<string, PickleGlobal>;
  /** Resolves a persistent id. */
  readonly load: (persistentId: PickleValue) => PickleValue;
}

/** Values that one pickle may create, and may remember: 30 of each for a tensor. Bounds memory: one byte of pickle can create a dict. */
const MAX_VALUES = 1_000_000;
const MAX_MARKS = 64;
const MAX_GLOBAL_NAME_BYTES = 200;

/**
 * Reads a pickle and returns its value.
 *
 * @throws Error (without a location) for opcodes, globals and structures outside the subset, and for truncated input.
 */
export function unpickle(bytes: Uint8Array, environment: PickleEnvironment): PickleValue {
  return new Unpickler(bytes, environment).run();
}

class Unpickler {
  /** By their character in pickletools, which is where their names come from. */
  static readonly #OPCODES: ReadonlyMap<string, (machine: Unpickler) => void> = new Map([
    // NONE, NEWTRUE, NEWFALSE, BININT, BININT1, BININT2, LONG1, BINUNICODE
    ['N', (machine) => machine.#push(null)],
    ['\x88', (machine) => machine.#push(true)],
    ['\x89', (machine) => machine.#push(false)],
    ['J', (machine) => machine.#push(machine.#data.getInt32(machine.#take(4), true))],
    ['K', (machine) => machine.#push(machine.#byte())],
    ['M', (machine) => machine.#push(machine.#data.getUint16(machine.#take(2), true))],
    ['\x8a', (machine) => machine.#push(machine.#long())],
    ['X', (machine) => machine.#push(machine.#text(machine.#uint32()))],
    // MARK, EMPTY_TUPLE, EMPTY_DICT, TUPLE, TUPLE1, TUPLE2, TUPLE3, SETITEM, SETITEMS
    ['(', (machine) => machine.#mark()],
    [')', (machine) => machine.#push([])],
    ['}', (machine) => machine.#push(new Map())],
    ['t', (machine) => machine.#push(machine.#popToMark())],
    ['\x85', (machine) => machine.#push(machine.#popMany(1))],
    ['\x86', (machine) => machine.#push(machine.#popMany(2))],
    ['\x87', (machine) => machine.#push(machine.#popMany(3))],
    ['s', (machine) => machine.#setItems(machine.#popMany(2))],
    ['u', (machine) => machine.#setItems(machine.#popToMark())],
    // BINPUT, LONG_BINPUT, BINGET, LONG_BINGET
    ['q', (machine) => machine.#remember(machine.#byte())],
    ['r', (machine) => machine.#remember(machine.#uint32())],
    ['h', (machine) => machine.#push(machine.#recall(machine.#byte()))],
    ['j', (machine) => machine.#push(machine.#recall(machine.#uint32()))],
    // GLOBAL, REDUCE, BINPERSID, BUILD
    ['c', (machine) => machine.#push(machine.#global())],
    ['R', (machine) => machine.#reduce()],
    ['Q', (machine) => machine.#push(machine.#environment.load(machine.#pop()))],
    ['b', (machine) => machine.#build()],
  ]);

  readonly #bytes: Uint8Array;
  readonly #data: DataView;
  readonly #environment: PickleEnvironment;
  readonly #stack: PickleValue[] = [];
  readonly #marks: number[] = [];
  readonly #memo = new Map<number, PickleValue>();
  #at = 0;
  #values = 0;

  constructor(bytes: Uint8Array, environment: PickleEnvironment) {
    this.#bytes = bytes;
    this.#data = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#environment = environment;
  }

  run(): PickleValue {
    if (this.#byte() !== 0x80 || this.#byte() !== 2) throw new Error('only pickle protocol 2 is read');
    for (;;) {
      const opcode = String.fromCharCode(this.#byte());
      if (opcode === '.') return this.#stop();
      const execute = Unpickler.#OPCODES.get(opcode);
      if (execute === undefined) throw new Error(`opcode 0x${opcode.charCodeAt(0).toString(16)} is not allowed`);
      execute(this);
    }
  }

  /** Claims the next bytes and returns where they begin. */
  #take(length: number): number {
    const start = this.#at;
    if (length > this.#bytes.length - start) throw new Error('it is truncated');
    this.#at += length;
    return start;
  }

  #byte(): number {
    return this.#data.getUint8(this.#take(1));
  }

  #uint32(): number {
    return this.#data.getUint32(this.#take(4), true);
  }

  #text(length: number): string {
    const start = this.#take(length);
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(this.#bytes.subarray(start, this.#at));
  }

  #long(): number {
    const length = this.#byte();
    const start = this.#take(length);
    if (length > 8) throw new Error('a number is too large');
    let value = 0n;
    for (let i = 0; i < length; i++) value |= BigInt(this.#data.getUint8(start + i)) << BigInt(8 * i);
    return Number(BigInt.asIntN(8 * length, value));
  }

  #global(): PickleGlobal {
    const name = `${this.#line()}.${this.#line()}`;
    const global = this.#environment.globals.get(name);
    if (global === undefined) throw new Error(`global ${JSON.stringify(name)} is not allowed`);
    return global;
  }

  #line(): string {
    const end = this.#bytes.subarray(this.#at, this.#at + MAX_GLOBAL_NAME_BYTES).indexOf(0x0a);
    if (end < 0) throw new Error('the name of a global is too long or truncated');
    const line = this.#text(end);
    this.#take(1);
    return line;
  }

  #push(value: PickleValue): void {
    if (++this.#values > MAX_VALUES) throw new Error(`it creates more than ${MAX_VALUES} values`);
    this.#stack.push(value);
  }

  #mark(): void {
    if (this.#marks.push(this.#stack.length) > MAX_MARKS) throw new Error(`it nests deeper than ${MAX_MARKS}`);
  }

  /** What an open mark encloses is out of reach of everything below it. */
  #popMany(count: number): PickleValue[] {
    const start = this.#stack.length - count;
    if (start < (this.#marks.at(-1) ?? 0)) throw new Error('its stack is empty');
    return this.#stack.splice(start);
  }

  #pop(): PickleValue {
    return this.#popMany(1)[0];
  }

  #popToMark(): PickleValue[] {
    const mark = this.#marks.pop();
    if (mark === undefined) throw new Error('a mark is missing');
    return this.#stack.splice(mark);
  }

  #top(): PickleValue {
    if (this.#stack.length <= (this.#marks.at(-1) ?? 0)) throw new Error('its stack is empty');
    return this.#stack.at(-1);
  }

  #remember(key: number): void {
    this.#memo.set(key, this.#top());
    if (this.#memo.size > MAX_VALUES) throw new Error(`it remembers more than ${MAX_VALUES} values`);
  }

  #recall(key: number): PickleValue {
    if (!this.#memo.has(key)) throw new Error(`memo ${key} is not set`);
    return this.#memo.get(key);
  }

  #setItems(items: readonly PickleValue[]): void {
    const dict = this.#top();
    if (!(dict instanceof Map) || items.length % 2 !== 0)
      throw new Error('items are set on something other than a dict');
    for (let i = 0; i < items.length; i += 2) {
      const key = items[i];
      if (typeof key !== 'string') throw new Error('a key is not a string');
      if (dict.has(key)) throw new Error(`key ${JSON.stringify(key.slice(0, 200))} occurs twice`);
      dict.set(key, items[i + 1]);
    }
  }

  #reduce(): void {
    const [target, args] = this.#popMany(2);
    if (!(target instanceof PickleGlobal) || target.call === undefined || !Array.isArray(args)) {
      throw new Error('it calls something that is not callable');
    }
    this.#push(target.call(args));
  }

  /** Attributes of an ordered dict (`_metadata`: versions of modules) say nothing of the tensors and are left out. */
  #build(): void {
    this.#pop();
    if (!(this.#top() instanceof Map)) throw new Error('state is set on something other than a dict');
  }

  #stop(): PickleValue {
    const value = this.#pop();
    if (this.#stack.length > 0 || this.#marks.length > 0) throw new Error('it ends with values left over');
    if (this.#at !== this.#bytes.length) throw new Error('bytes follow its end');
    return value;
  }
}
