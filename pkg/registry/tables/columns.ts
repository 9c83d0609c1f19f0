import type { TableColumn } from '../contract.ts';

/** The columns of a kind's table, by the name of its type. */
export function columnsOf(_definition: string): readonly TableColumn[] {
  return [];
}
