/** What the suite asks of a cache: that it must, that a good one does, or only whether it does. */
export type Kind = 'required' | 'optimal' | 'check';

export type SuiteTest = {
  readonly id: string;
  readonly name: string;
  readonly kind?: Kind;
  browser_only?: boolean;
  browser_skip?: boolean;
};

export type Suite = { readonly id: string; readonly name: string; readonly tests: readonly SuiteTest[] };

export const kindOf = ({ kind = 'required' }: SuiteTest): Kind => kind;
