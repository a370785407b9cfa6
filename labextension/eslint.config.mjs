import tseslint from 'typescript-eslint';

// A layer imports only from those before it.
const LAYERS = [
  ['tokens', 'version'],
  ['api'],
  ['model'],
  ['graph'],
  ['components'],
  ['panels', 'widget'],
  ['plugins']
];

/** Forbids imports from the layers above (and from siblings beside). */
function layer(names, index) {
  return names.map(name => {
    const foreign = [...LAYERS.slice(index + 1).flat(), ...names.filter(other => other !== name)];
    return {
      files: [`src/${name}.ts`, `src/${name}/**/*.{ts,tsx}`],
      rules: {
        'no-restricted-imports': [
          'error',
          {
            patterns: [
              {
                regex: `^\\.{1,2}/(\\.\\./)*(${[...foreign, 'index'].join('|')})(/|$)`,
                message: `${name} must not know the layers above it.`
              }
            ]
          }
        ]
      }
    };
  });
}

export default tseslint.config(
  { ignores: ['lib', 'node_modules', '.yarn'] },
  ...tseslint.configs.strict,
  {
    files: ['src/**/*.{ts,tsx}', 'tests/**/*.ts'],
    rules: {
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      // JupyterLab's own names of interfaces.
      '@typescript-eslint/naming-convention': [
        'error',
        { selector: 'interface', format: ['PascalCase'], prefix: ['I'] }
      ],
      'no-console': 'error',
      'no-restricted-properties': [
        'error',
        { property: 'innerHTML', message: 'Data is never markup.' },
        { property: 'outerHTML', message: 'Data is never markup.' },
        { property: 'insertAdjacentHTML', message: 'Data is never markup.' }
      ],
      'no-restricted-syntax': [
        'error',
        {
          selector: "JSXAttribute[name.name='dangerouslySetInnerHTML']",
          message: 'Data is never markup.'
        },
        {
          selector: 'JSXText[value=/[A-Za-z]{2}/]',
          message: 'Words that people read go through trans.__().'
        }
      ],
      eqeqeq: 'error'
    }
  },
  ...LAYERS.flatMap(layer)
);
