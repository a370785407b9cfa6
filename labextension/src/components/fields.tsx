import * as React from 'react';
import { controlOf, exampleOf, type Raw, type RawForm } from '../model/form';
import type { IFormField } from '../model/snapshot';
import { useTrans, useUid } from './hooks';

interface IFieldsProps {
  readonly fields: readonly IFormField[];
  readonly raw: RawForm;
  readonly problems: Readonly<Record<string, string>>;
  readonly disabled: boolean;
  readonly onChange: (id: string, value: Raw) => void;
}

/** The form of a gate. */
export function Fields(props: IFieldsProps): React.ReactElement {
  return (
    <div className="jp-gov-fields">
      {props.fields.map(field => (
        <Field
          key={field.id}
          field={field}
          raw={props.raw[field.id] ?? ''}
          problem={props.problems[field.id]}
          disabled={props.disabled}
          onChange={value => props.onChange(field.id, value)}
        />
      ))}
    </div>
  );
}

interface IFieldProps {
  readonly field: IFormField;
  readonly raw: Raw;
  readonly problem: string | undefined;
  readonly disabled: boolean;
  readonly onChange: (value: Raw) => void;
}

interface IControlProps extends IFieldProps {
  readonly id: string;
  readonly described: string | undefined;
}

function Field(props: IFieldProps): React.ReactElement {
  const { field, problem } = props;
  const id = useUid('field');
  const described =
    [field.description && `${id}-about`, problem && `${id}-problem`].filter(Boolean).join(' ') ||
    undefined;
  const control = controlOf(field);
  const choice = control === 'boolean' || control === 'multiselect';
  const about = field.description && (
    <p className="jp-gov-note" id={`${id}-about`}>
      {field.description}
    </p>
  );
  const wrong = problem && (
    <p className="jp-gov-problem" id={`${id}-problem`}>
      {problem}
    </p>
  );
  if (choice) {
    return (
      <fieldset
        className="jp-gov-field"
        data-field={field.id}
        aria-describedby={described}
        aria-invalid={problem ? true : undefined}
        disabled={props.disabled}
      >
        <legend>
          <Label field={field} />
        </legend>
        {about}
        {control === 'boolean' ? (
          <YesNo {...props} id={id} described={described} />
        ) : (
          <Choices {...props} id={id} described={described} />
        )}
        {wrong}
      </fieldset>
    );
  }
  return (
    <div className="jp-gov-field" data-field={field.id}>
      <label htmlFor={id}>
        <Label field={field} />
      </label>
      {about}
      <Entry {...props} id={id} described={described} />
      {wrong}
    </div>
  );
}

function Label({ field }: { readonly field: IFormField }): React.ReactElement {
  const trans = useTrans();
  return (
    <>
      {field.label || field.id}{' '}
      {field.required ? (
        <span className="jp-gov-required">{trans.__('(required)')}</span>
      ) : (
        <span className="jp-gov-optional">{trans.__('(optional)')}</span>
      )}
    </>
  );
}

/** Two radio buttons and not a check box: nothing chosen must not read as a no. */
function YesNo({ id, raw, onChange }: IControlProps): React.ReactElement {
  const trans = useTrans();
  const options = [
    ['true', trans.__('Yes')],
    ['false', trans.__('No')]
  ] as const;
  return (
    <div className="jp-gov-choices">
      {options.map(([value, word]) => (
        <label key={value}>
          <input type="radio" name={id} checked={raw === value} onChange={() => onChange(value)} />{' '}
          {word}
        </label>
      ))}
    </div>
  );
}

function Choices({ field, raw, onChange }: IControlProps): React.ReactElement {
  const chosen = typeof raw === 'string' ? [] : raw;
  return (
    <div className="jp-gov-choices">
      {(field.values ?? []).map(value => (
        <label key={value}>
          <input
            type="checkbox"
            checked={chosen.includes(value)}
            onChange={event =>
              onChange(
                (field.values ?? []).filter(one =>
                  one === value ? event.target.checked : chosen.includes(one)
                )
              )
            }
          />{' '}
          {value}
        </label>
      ))}
    </div>
  );
}

function Entry(props: IControlProps): React.ReactElement {
  const { field, raw, id, disabled, described } = props;
  const trans = useTrans();
  const control = controlOf(field);
  const text = typeof raw === 'string' ? raw : '';
  const common = {
    id,
    disabled,
    value: text,
    'aria-describedby': described,
    'aria-invalid': props.problem ? true : undefined,
    'aria-required': field.required || undefined
  };
  if (control === 'area') {
    return (
      <textarea
        {...common}
        rows={4}
        spellCheck={false}
        placeholder={exampleOf(field)}
        onChange={event => props.onChange(event.target.value)}
      />
    );
  }
  if (control === 'select' && !field.allowCustomValue) {
    return (
      <select {...common} onChange={event => props.onChange(event.target.value)}>
        <option value="">{trans.__('Choose…')}</option>
        {(field.values ?? []).map(value => (
          <option key={value} value={value}>
            {value}
          </option>
        ))}
      </select>
    );
  }
  return (
    <>
      <input
        {...common}
        type={control === 'select' ? 'text' : control}
        list={control === 'select' ? `${id}-values` : undefined}
        step={stepOf(field)}
        min={field.minimum ?? undefined}
        max={field.maximum ?? undefined}
        placeholder={exampleOf(field)}
        autoComplete={control === 'password' ? 'new-password' : 'off'}
        onChange={event => props.onChange(event.target.value)}
      />
      {control === 'select' && (
        <datalist id={`${id}-values`}>
          {(field.values ?? []).map(value => (
            <option key={value} value={value} />
          ))}
        </datalist>
      )}
    </>
  );
}

function stepOf(field: IFormField): number | 'any' | undefined {
  switch (controlOf(field)) {
    case 'number':
      return field.type.toUpperCase() === 'INT' ? 1 : 'any';
    case 'datetime-local':
    case 'time':
      return 1;
    default:
      return undefined;
  }
}
