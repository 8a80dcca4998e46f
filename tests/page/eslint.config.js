// Run from the project's root: eslint --config tests/page/eslint.config.js studio/ui/web tests/page
import js from '@eslint/js';
import globals from 'globals';

const rules = {
  'array-callback-return': 'error',
  complexity: ['error', 12],
  eqeqeq: ['error', 'always', { null: 'ignore' }],
  'max-len': ['error', { code: 140, ignoreComments: true }],
  'max-lines': ['error', 260],
  'max-lines-per-function': ['error', 55],
  'max-params': ['error', 4],
  'no-console': ['error', { allow: ['debug'] }],
  'no-implicit-globals': 'error',
  'no-restricted-syntax': ['error', { selector: 'ForInStatement', message: 'use Object.entries' }],
  'no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
  'no-use-before-define': ['error', { functions: false, classes: false, variables: false }],
  'no-var': 'error',
  'prefer-const': 'error',
  'prefer-template': 'error',
};

export default [
  { ignores: ['**/node_modules/**', '**/*.d.ts'] },
  js.configs.recommended,
  { linterOptions: { reportUnusedDisableDirectives: 'error' }, rules },
  { files: ['studio/ui/web/*.js'], languageOptions: { sourceType: 'module', globals: globals.browser } },
  { files: ['tests/page/*.js'], languageOptions: { sourceType: 'module', globals: globals.node }, rules: { 'max-lines': ['error', 400] } },
];
