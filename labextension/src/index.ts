import { handshake } from './plugins/handshake';
import { highlight } from './plugins/highlight';

const plugins = [handshake, highlight];

export default plugins;
