/** How figures are written on the page. */

type Figure = number | null | undefined;

/** .873 */
export const share = (value: Figure): string => value?.toFixed(3).replace(/^0/, '') ?? '-';

/** .811 / .935 / .967 / .972 */
export const shares = (values: readonly Figure[]): string => values.map(share).join(' / ');

/** An aim, and by how many points the figure is above or below it: `.880 (−1.2)`. */
export function aimText(aim: number | undefined, reached: Figure): string {
  if (aim === undefined) return '';
  if (reached == null) return share(aim);
  return `${share(aim)} (${points((reached - aim) * 100)})`;
}

function points(difference: number): string {
  const size = Math.abs(difference).toFixed(1);
  if (size === '0.0') return '0.0';
  return `${difference > 0 ? '+' : '−'}${size}`;
}

export const oneDigit = (value: Figure): string => value?.toFixed(1) ?? '-';

/** The mean of the figures that there are; null of none. */
export function meanOf(values: readonly Figure[]): number | null {
  const known = values.filter((value) => value != null);
  return known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0) / known.length;
}
