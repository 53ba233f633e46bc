/** Decides whether a file is the published one. */
import { badInput } from '../core/errors.ts';
import { contentBytes, type PublishedFile, publishedDatasets } from './catalog.ts';
import { type HashedBytes, uncompressed } from './hashed-bytes.ts';
import { parseIdx } from './idx.ts';

export interface VerifiedFile {
  /** The uncompressed file. */
  readonly content: HashedBytes;
  /** `sizes`: there is no published checksum for this form of the file; only its sizes are known to be right. */
  readonly verifiedBy: 'content' | 'archive' | 'sizes';
}

/**
 * @param required `checksum`: the file must match a published checksum. `sizes`: if there is no published checksum for
 *   this form of the file, the right sizes are enough; for folders that the user names.
 * @throws PennygradError `bad-input` that names the file, what was expected and what was found, if the file is
 *   truncated, corrupt, oversized or another one
 */
export async function verifyFile(
  expected: PublishedFile,
  file: HashedBytes,
  required: 'checksum' | 'sizes',
): Promise<VerifiedFile> {
  const { title } = publishedDatasets[expected.dataset];
  const content = await uncompressed(file, contentBytes(expected));
  const { shape } = parseIdx(content.bytes, content.where);
  if (shape.join() !== expected.shape.join()) {
    throw badInput(
      `${file.where}: holds ${shape.join(' × ')} elements; ${title}'s ${expected.name} has ${expected.shape.join(' × ')}`,
    );
  }
  const { of, sha256 } = expected.checksum;
  const found = of === 'content' ? content.sha256 : file.sha256;
  if (found === sha256) return { content, verifiedBy: of };
  if (of === 'archive' && required === 'sizes') return { content, verifiedBy: 'sizes' };
  const hashed = of === 'content' ? 'the uncompressed content' : 'the gzip archive';
  throw badInput(`${file.where}: corrupt, or not ${title}: expected SHA-256 ${sha256} of ${hashed}, found ${found}`);
}
