/** Bicubic kernel of torch.nn.functional.interpolate: A = -0.75, no antialiasing. (Pictures are resized with another.) */
const A = -0.75;

function kernel(distance: number): number {
  const x = Math.abs(distance);
  if (x <= 1) return ((A + 2) * x - (A + 3)) * x * x + 1;
  if (x < 2) return ((A * x - 5 * A) * x + 8 * A) * x - 4 * A;
  return 0;
}

/**
 * Resizes a square table of positions, as `get_abs_pos` of the reference does (bicubic, align_corners=False, edges clamped).
 *
 * @param table `[from * from, width]`, row-major
 * @returns `[to * to, width]`
 */
export function resizePositionTable(table: Float32Array, from: number, to: number, width: number): Float32Array {
  if (from === to) return table;
  const columnsResized = interpolate(table, { outer: from, from, to, inner: width });
  return interpolate(columnsResized, { outer: 1, from, to, inner: to * width });
}

/** Resizes the middle axis of `[outer, from, inner]` to `to`. */
function interpolate(
  data: Float32Array,
  { outer, from, to, inner }: { outer: number; from: number; to: number; inner: number },
): Float32Array {
  const out = new Float32Array(outer * to * inner);
  for (let i = 0; i < to; i++) {
    const source = ((i + 0.5) * from) / to - 0.5;
    const base = Math.floor(source);
    for (let tap = base - 1; tap <= base + 2; tap++) {
      const weight = kernel(source - tap);
      const clamped = Math.min(from - 1, Math.max(0, tap));
      for (let o = 0; o < outer; o++) {
        const target = (o * to + i) * inner;
        const origin = (o * from + clamped) * inner;
        for (let c = 0; c < inner; c++) out[target + c] = (out[target + c] ?? 0) + weight * (data[origin + c] ?? 0);
      }
    }
  }
  return out;
}
