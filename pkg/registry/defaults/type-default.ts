import type { DefaultContext } from '../../runtime/default.ts';
import type { Raw } from '../raw.ts';

/** Fills in what a value of one type leaves out, in place. Tables of them name types without their `io.k8s.`. */
export type TypeDefault = (value: Raw, context: DefaultContext) => void;

/** Only where nothing is said. */
export function fill(value: Raw, key: string, byDefault: unknown): void {
  if (value[key] === undefined) value[key] = byDefault;
}

/** Where nothing, or an empty string, is said: fields that are no pointers in Go. */
export function fillText(value: Raw, key: string, byDefault: string): void {
  if (value[key] === undefined || value[key] === '') value[key] = byDefault;
}

/** Where nothing, or zero, is said. */
export function fillNumber(value: Raw, key: string, byDefault: number): void {
  if (value[key] === undefined || value[key] === 0) value[key] = byDefault;
}
