export { type SafetensorsEntry, safetensorsHeader, writeSafetensors } from './write-safetensors.ts';
export { centralHeader, endRecord, localHeader, pickle } from './write-torch.ts';
