const ROOT = 0;
const NO_PIECE = -1;

/**
 * A vocabulary of word pieces as a trie over UTF-16 units, its edges in one open-addressing hash table of
 * typed arrays: a lookup makes no strings. Pieces that continue a word (`##ing`) hang below the node of `##`.
 */
export class PieceTrie {
  private pieceOfNode: Int32Array;
  private readonly slotParent: Int32Array;
  private readonly slotUnit: Uint16Array;
  private readonly slotChild: Int32Array;
  private readonly mask: number;
  private nodes = 1;
  private readonly continuation: number;
  /** One past the last unit of the piece that `longest` found. */
  matchEnd = 0;

  constructor(vocabulary: readonly string[]) {
    const edges = vocabulary.reduce((sum, piece) => sum + piece.length, 2);
    const slots = 2 ** Math.ceil(Math.log2(edges * 2));
    this.mask = slots - 1;
    this.slotParent = new Int32Array(slots).fill(-1);
    this.slotUnit = new Uint16Array(slots);
    this.slotChild = new Int32Array(slots);
    this.pieceOfNode = new Int32Array(edges + 1).fill(NO_PIECE);
    this.continuation = this.add('##');
    vocabulary.forEach((piece, id) => {
      this.pieceOfNode[this.add(piece)] = id;
    });
    this.pieceOfNode = this.pieceOfNode.slice(0, this.nodes);
  }

  /** Id of the longest piece that units `[from, to)` begin with, or -1; `matchEnd` says where it ends. */
  longest(units: Uint16Array, from: number, to: number, continues: boolean): number {
    let node = continues ? this.continuation : ROOT;
    let found = NO_PIECE;
    for (let at = from; at < to; at++) {
      node = this.child(node, units[at] ?? 0);
      if (node === ROOT) break;
      const piece = this.pieceOfNode[node] ?? NO_PIECE;
      if (piece !== NO_PIECE) {
        found = piece;
        this.matchEnd = at + 1;
      }
    }
    return found;
  }

  private add(piece: string): number {
    let node = ROOT;
    for (let at = 0; at < piece.length; at++) {
      node = this.child(node, piece.charCodeAt(at)) || this.grow(node, piece.charCodeAt(at));
    }
    return node;
  }

  private grow(parent: number, unit: number): number {
    const slot = this.slotOf(parent, unit);
    this.slotParent[slot] = parent;
    this.slotUnit[slot] = unit;
    this.slotChild[slot] = this.nodes;
    return this.nodes++;
  }

  /** The child's node, or ROOT where there is none. */
  private child(parent: number, unit: number): number {
    return this.slotChild[this.slotOf(parent, unit)] ?? ROOT;
  }

  /** The slot of the edge, or the empty one where it would go. */
  private slotOf(parent: number, unit: number): number {
    let hash = Math.imul(parent, 0x9e3779b1) ^ Math.imul(unit + 1, 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
    let slot = (hash ^ (hash >>> 13)) & this.mask;
    for (;;) {
      const owner = this.slotParent[slot];
      if (owner === -1 || (owner === parent && this.slotUnit[slot] === unit)) return slot;
      slot = (slot + 1) & this.mask;
    }
  }
}
