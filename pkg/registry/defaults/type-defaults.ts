import type { TypeDefaults } from '../../runtime/default.ts';

export const typeDefaults: TypeDefaults = new Map();
