/**
 * A small schema language: plain data that is interpreted, so that the same table checks profiles, types CSV cells
 * and says which texts are credentials. `expected` completes the sentence "expected …".
 */
export type Rule =
  | TextRule
  | ChoiceRule
  | IntegerRule
  | FlagRule
  | NullRule
  | ListRule
  | MapRule
  | ObjectRule
  | EitherRule;

export interface TextRule {
  readonly kind: "text";
  readonly expected: string;
  readonly accepts: (text: string) => boolean;
  /** A credential keeps its references until the check runs; only its literal part is looked at here. */
  readonly credential: boolean;
}

export interface ChoiceRule<V extends string | number = string | number> {
  readonly kind: "choice";
  readonly values: readonly V[];
}

export interface IntegerRule {
  readonly kind: "integer";
  readonly min: number;
  readonly max: number;
}

export interface FlagRule<V extends boolean = boolean> {
  readonly kind: "flag";
  readonly values: readonly V[];
}

export interface NullRule {
  readonly kind: "null";
}

export interface ListRule<I extends Rule = Rule> {
  readonly kind: "list";
  readonly item: I;
  readonly min: number;
  readonly max: number;
}

export interface MapRule<V extends Rule = Rule> {
  readonly kind: "map";
  readonly key: (key: string) => boolean;
  readonly expectedKey: string;
  readonly value: V;
}

export interface ObjectRule<
  F extends Readonly<Record<string, Rule>> = Readonly<Record<string, Rule>>,
  R extends string = string,
> {
  readonly kind: "object";
  readonly fields: F;
  readonly required: readonly R[];
}

/** One value, or the longer form of the same: `structured` is a list or an object. */
export interface EitherRule<A extends Rule = Rule, B extends Rule = Rule> {
  readonly kind: "either";
  readonly simple: A;
  readonly structured: B;
}

/** The type of the values a rule lets through. */
export type Infer<T extends Rule> =
  T extends EitherRule<infer A, infer B>
    ? Infer<A> | Infer<B>
    : T extends TextRule
      ? string
      : T extends ChoiceRule<infer V>
        ? V
        : T extends IntegerRule
          ? number
          : T extends FlagRule<infer V>
            ? V
            : T extends NullRule
              ? null
              : T extends ListRule<infer I>
                ? readonly Infer<I>[]
                : T extends MapRule<infer V>
                  ? Readonly<Record<string, Infer<V>>>
                  : T extends ObjectRule<infer F, infer R>
                    ? InferObject<F, R>
                    : never;

type InferObject<F extends Readonly<Record<string, Rule>>, R extends string> = {
  readonly [K in R & keyof F]: Infer<F[K]>;
} & { readonly [K in Exclude<keyof F, R>]?: Infer<F[K]> };

export function text(expected: string, accepts: (text: string) => boolean): TextRule {
  return { kind: "text", expected, accepts, credential: false };
}

export function credential(expected: string, accepts: (text: string) => boolean): TextRule {
  return { kind: "text", expected, accepts, credential: true };
}

export function choice<const V extends string | number>(values: readonly V[]): ChoiceRule<V> {
  return { kind: "choice", values };
}

export function integer(min: number, max: number): IntegerRule {
  return { kind: "integer", min, max };
}

export function flag<const V extends boolean>(values: readonly V[]): FlagRule<V> {
  return { kind: "flag", values };
}

export function list<I extends Rule>(item: I, min: number, max: number): ListRule<I> {
  return { kind: "list", item, min, max };
}

export function map<V extends Rule>(
  expectedKey: string,
  key: (key: string) => boolean,
  value: V,
): MapRule<V> {
  return { kind: "map", key, expectedKey, value };
}

export function object<F extends Readonly<Record<string, Rule>>, const R extends keyof F & string = never>(
  fields: F,
  required: readonly R[] = [],
): ObjectRule<F, R> {
  return { kind: "object", fields, required };
}

export function either<A extends Rule, B extends Rule>(simple: A, structured: B): EitherRule<A, B> {
  return { kind: "either", simple, structured };
}
