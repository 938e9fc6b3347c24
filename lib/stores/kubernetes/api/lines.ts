/** Longer than any Lease: a stream without line ends would otherwise fill the memory. */
const MAX_LINE = 2 * 1024 * 1024;

/** The lines of a text that comes in pieces cut anywhere; each as soon as its end is there. An unfinished last one is dropped. */
export async function* lines(chunks: AsyncIterable<string>): AsyncGenerator<string> {
  let rest = '';
  for await (const chunk of chunks) {
    rest += chunk;
    for (let end = rest.indexOf('\n'); end >= 0; end = rest.indexOf('\n')) {
      const line = rest.slice(0, end).trim();
      rest = rest.slice(end + 1);
      if (line !== '') yield line;
    }
    if (rest.length > MAX_LINE) throw new Error(`A line of the watch is longer than ${MAX_LINE} characters.`);
  }
}
