/** The form of a gate: from declared inputs to controls, and from what was typed to values. */

import type { IFormField } from './snapshot';
import type { ITrans } from './trans';

export type Control =
  | 'text'
  | 'number'
  | 'boolean'
  | 'select'
  | 'multiselect'
  | 'date'
  | 'datetime-local'
  | 'time'
  | 'area'
  | 'email'
  | 'url'
  | 'password';

/** What a control holds: a text, or the chosen values of a multi-select. */
export type Raw = string | readonly string[];

export type RawForm = Readonly<Record<string, Raw>>;

const CONTROLS: Readonly<Record<string, Control>> = {
  STRING: 'text',
  INT: 'number',
  FLOAT: 'number',
  BOOL: 'boolean',
  BOOLEAN: 'boolean',
  SELECT: 'select',
  ENUM: 'select',
  MULTISELECT: 'multiselect',
  DATE: 'date',
  DATETIME: 'datetime-local',
  TIME: 'time',
  DURATION: 'text',
  FILE: 'text',
  JSON: 'area',
  YAML: 'area',
  ARRAY: 'area',
  URI: 'url',
  EMAIL: 'email',
  SECRET: 'password'
};

export function controlOf(field: IFormField): Control {
  return CONTROLS[field.type.toUpperCase()] ?? 'text';
}

/** What to write into an empty control so that people know the expected shape. */
export function exampleOf(field: IFormField): string | undefined {
  switch (field.type.toUpperCase()) {
    case 'DURATION':
      return 'PT1H30M';
    case 'JSON':
      return '{"key": "value"}';
    case 'ARRAY':
      return '["a", "b"]';
    default:
      return undefined;
  }
}

/** What a control shows before anybody typed. */
export function initialRaw(field: IFormField): Raw {
  const value = field.defaults;
  const control = controlOf(field);
  if (control === 'multiselect') {
    return Array.isArray(value) ? value.map(String) : [];
  }
  if (value === null || value === undefined) {
    return '';
  }
  if (control === 'datetime-local') {
    return localDateTime(String(value));
  }
  return typeof value === 'object' ? JSON.stringify(value, null, 2) : String(value);
}

export function initialForm(fields: readonly IFormField[]): RawForm {
  return Object.fromEntries(fields.map(field => [field.id, initialRaw(field)]));
}

/** What is sent, and what keeps it from being sent. */
export interface IReading {
  readonly values: Readonly<Record<string, unknown>>;
  readonly problems: Readonly<Record<string, string>>;
}

/** Read a whole form; an empty optional field is left out, so that its default holds. */
export function readForm(trans: ITrans, fields: readonly IFormField[], raw: RawForm): IReading {
  const values: Record<string, unknown> = {};
  const problems: Record<string, string> = {};
  for (const field of fields) {
    const typed = raw[field.id] ?? '';
    if (isEmpty(typed)) {
      if (field.required) {
        problems[field.id] = trans.__('A value is required.');
      }
      continue;
    }
    const read = readValue(trans, field, typed);
    if (read.problem !== undefined) {
      problems[field.id] = read.problem;
    } else {
      values[field.id] = read.value;
    }
  }
  return { values, problems };
}

function isEmpty(typed: Raw): boolean {
  return typeof typed === 'string' ? typed.trim() === '' : typed.length === 0;
}

function readValue(
  trans: ITrans,
  field: IFormField,
  typed: Raw
): { value?: unknown; problem?: string } {
  if (typeof typed !== 'string') {
    return { value: [...typed] };
  }
  switch (field.type.toUpperCase()) {
    case 'INT':
      return /^\s*[+-]?\d+\s*$/.test(typed)
        ? { value: exactInteger(typed) }
        : { problem: trans.__('A whole number is expected.') };
    case 'FLOAT': {
      const value = Number(typed);
      return Number.isFinite(value) ? { value } : { problem: trans.__('A number is expected.') };
    }
    case 'BOOL':
    case 'BOOLEAN':
      return { value: typed === 'true' };
    case 'DATETIME': {
      const at = new Date(typed);
      return Number.isNaN(at.getTime())
        ? { problem: trans.__('A date and time is expected.') }
        : { value: at.toISOString() };
    }
    case 'JSON':
    case 'ARRAY':
      return readJson(trans, field, typed);
    default:
      return { value: typed };
  }
}

function readJson(
  trans: ITrans,
  field: IFormField,
  typed: string
): { value?: unknown; problem?: string } {
  let value: unknown;
  try {
    value = JSON.parse(typed);
  } catch (error) {
    return { problem: trans.__('This is not JSON: %1', String(error)) };
  }
  return field.type.toUpperCase() === 'ARRAY' && !Array.isArray(value)
    ? { problem: trans.__('A JSON list is expected, such as ["a", "b"].') }
    : { value };
}

/** A number where JavaScript can write it exactly, else its text. */
function exactInteger(typed: string): number | string {
  const value = Number(typed);
  return Number.isSafeInteger(value) ? value : typed.trim();
}

/** `datetime-local` wants the reader's wall clock without a zone. */
function localDateTime(iso: string): string {
  const at = new Date(iso);
  if (Number.isNaN(at.getTime())) {
    return '';
  }
  const local = new Date(at.getTime() - at.getTimezoneOffset() * 60_000);
  return local.toISOString().slice(0, 19);
}
