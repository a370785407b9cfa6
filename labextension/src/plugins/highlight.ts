import { yamlLanguage } from '@codemirror/lang-yaml';
import {
  defineLanguageFacet,
  Language,
  language,
  languageDataProp,
  LRLanguage
} from '@codemirror/language';
import { type EditorState, type Extension, Prec } from '@codemirror/state';
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import {
  EditorExtensionRegistry,
  IEditorExtensionRegistry,
  IEditorLanguageRegistry
} from '@jupyterlab/codemirror';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { parseMixed } from '@lezer/common';
import { isFlowMagic } from '../model/magic';
import { NAMESPACE, PLUGIN_IDS } from '../tokens';

/** Colours the body of `%%govflow` and `%%govtest` cells as YAML. */
export const highlight: JupyterFrontEndPlugin<void> = {
  id: PLUGIN_IDS.highlight,
  description: 'YAML highlighting in %%govflow and %%govtest cells.',
  autoStart: true,
  requires: [IEditorExtensionRegistry, IEditorLanguageRegistry],
  optional: [ISettingRegistry],
  activate: async (
    _app: JupyterFrontEnd,
    extensions: IEditorExtensionRegistry,
    languages: IEditorLanguageRegistry,
    settings: ISettingRegistry | null
  ) => {
    if (!(await isWanted(settings))) {
      return;
    }
    const python = await languages.getLanguage('text/x-ipython');
    const plain = await languages.getLanguage('text/plain');
    const host = python?.support?.language;
    if (!(host instanceof LRLanguage) || !plain?.support) {
      return;
    }
    const extension = flowLanguage(host, plain.support.language);
    extensions.addExtension({
      name: `${NAMESPACE}:flow`,
      factory: ({ model }) =>
        isCodeCell(model) ? EditorExtensionRegistry.createImmutableExtension(extension) : null
    });
  }
};

async function isWanted(settings: ISettingRegistry | null): Promise<boolean> {
  try {
    const loaded = await settings?.load(PLUGIN_IDS.main);
    return loaded?.get('highlightCells').composite !== false;
  } catch {
    // Settings that cannot be read must not take the colours away.
    return true;
  }
}

function isCodeCell(model: unknown): boolean {
  return (model as { readonly type?: unknown }).type === 'code';
}

/** The language of a cell, chosen by its first line at every change. */
function flowLanguage(host: LRLanguage, plain: Language): Extension {
  const mixed = withYamlBody(host);
  return [
    Prec.highest(language.computeN(['doc'], state => (isFlow(state) ? [mixed] : []))),
    // JupyterLab adds a cell's own language only later, and an empty `language` facet makes CodeMirror fail while the
    // notebook renders: there must always be a last resort.
    Prec.lowest(language.of(plain))
  ];
}

function isFlow(state: EditorState): boolean {
  return isFlowMagic(state.doc.line(1).text);
}

/** The host language for the first line, YAML for the rest. */
function withYamlBody(host: LRLanguage): Language {
  const data = defineLanguageFacet({ commentTokens: { line: '#' } });
  const parser = host.parser.configure({
    props: [languageDataProp.add(type => (type.isTop ? data : undefined))],
    wrap: parseMixed((node, input) => {
      if (!node.type.isTop) {
        return null;
      }
      const head = input.read(0, Math.min(input.length, 4096));
      const body = head.indexOf('\n') + 1;
      return body > 0 && body < input.length
        ? { parser: yamlLanguage.parser, overlay: [{ from: body, to: input.length }] }
        : null;
    })
  });
  return new Language(data, parser, [], 'govflow');
}
