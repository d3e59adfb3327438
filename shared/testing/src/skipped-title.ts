/** The title of a suite that is skipped for want of an engine, by which the run's last words know it. */
export type Skipped = { readonly title: string; readonly engine: string; readonly whyNot: string };

export const titleOfSkipped = ({ title, engine, whyNot }: Skipped): string =>
  `${title} on ${engine} (skipped: ${whyNot})`;

/** Undefined where the title is not one of these. */
export function readTitleOfSkipped(text: string): Skipped | undefined {
  const [, title, engine, whyNot] = /^(.+) on (.+?) \(skipped: (.+)\)$/s.exec(text) ?? [];
  return title && engine && whyNot ? { title, engine, whyNot } : undefined;
}
