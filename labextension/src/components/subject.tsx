import * as React from 'react';
import { shortDigest } from '../model/format';
import type { IApproval, IUpstream } from '../model/snapshot';
import { useTrans } from './hooks';
import { LogLines } from './tasks';
import { NamedTexts } from './texts';

/** What an answer binds itself to: readable first, the digests that prove it beside it. */
export function Subject({ approval }: { readonly approval: IApproval }): React.ReactElement {
  const trans = useTrans();
  const { subject } = approval;
  return (
    <details className="jp-gov-subject">
      <summary>{trans.__('What exactly is approved')}</summary>
      <NamedTexts items={subject.inputs} caption={trans.__('Inputs')} />
      {subject.upstream.length > 0 && (
        <>
          <h4>{trans.__('Results it rests on')}</h4>
          {subject.upstream.map((item, index) => (
            <Upstream key={index} item={item} />
          ))}
        </>
      )}
      <h4>{trans.__('What the answer is bound to')}</h4>
      <dl>
        <div>
          <dt>{trans.__('Flow')}</dt>
          <dd>
            {trans.__('revision %1', subject.revision)}{' '}
            <code title={subject.digest}>{shortDigest(subject.digest)}</code>
          </dd>
        </div>
        <div>
          <dt>{trans.__('Subject digest')}</dt>
          <dd>
            <code className="jp-gov-wrap">{approval.subjectDigest}</code>
          </dd>
        </div>
      </dl>
    </details>
  );
}

function Upstream({ item }: { readonly item: IUpstream }): React.ReactElement {
  const trans = useTrans();
  const outputs = item.outputs;
  return (
    <details className="jp-gov-upstream" data-upstream={item.name}>
      <summary>
        {item.name} <code title={item.digest}>{shortDigest(item.digest)}</code>
      </summary>
      {outputs === null ? (
        <p className="jp-gov-note">{trans.__('Its outputs cannot be shown here.')}</p>
      ) : (
        <NamedTexts items={outputs} caption={trans.__('Outputs')} />
      )}
      {item.logs.length > 0 && (
        <>
          <h4>{trans.__('Log (for reading; the digest does not cover it)')}</h4>
          <LogLines lines={item.logs} total={item.logTotal} task={item.name} />
        </>
      )}
    </details>
  );
}
