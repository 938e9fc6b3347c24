export {
  CHANNELS,
  type ChannelMessages,
  type ElectionSubject,
  type GatedCall,
  type JobTick,
  type HolderDied,
  type StoreRequest,
  type TermBegan,
  type TermDrained,
  type TermEnded,
} from './channels.js';
