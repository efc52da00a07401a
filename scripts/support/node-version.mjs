/** Stops with a sentence, rather than a syntax error somewhere, where Node is older than package.json asks for. */
const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  process.stderr.write(
    `Referent needs Node 20.19 or newer; this is Node ${process.versions.node}.\n` +
      'Install a current one from https://nodejs.org (or: nvm install 22), then run the command again.\n',
  );
  process.exit(2);
}
