/** The title of a suite that is skipped because its engine is missing; the end of the run recognises it. */
export type Skipped = { readonly title: string; readonly engine: string; readonly whyNot: string };

export const titleOfSkipped = ({ title, engine, whyNot }: Skipped): string =>
  `${title} on ${engine} (skipped: ${whyNot})`;

/** Undefined if the title is no such title. */
export function readTitleOfSkipped(text: string): Skipped | undefined {
  const [, title, engine, whyNot] = /^(.+) on (.+?) \(skipped: (.+)\)$/s.exec(text) ?? [];
  return title && engine && whyNot ? { title, engine, whyNot } : undefined;
}
