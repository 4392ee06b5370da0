import { setFlagsFromString } from 'node:v8';

/**
 * Has memory outside V8's heap, such as the bytes of bodies and pictures, bring on garbage collections by the rules of the heap. By default
 * V8 begins a collection of everything after every few dozen megabytes of it, although a quick one of young objects would free nearly all:
 * a flood of uploads would stop everyone's answers again and again.
 */
export const collectYoungBuffers = (): void => setFlagsFromString('--external-memory-accounted-in-global-limit');
