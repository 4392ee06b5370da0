/** Run by environment.test.ts: loads onnxruntime, and ends. */
import { Environment } from '../src/index.ts';

console.log(Environment.load().version);
