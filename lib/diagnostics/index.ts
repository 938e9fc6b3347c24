export {
  CHANNELS,
  type ChannelMessages,
  type ElectionSubject,
  type GatedCall,
  type JobTick,
  type StoreRequest,
  type TermBegan,
  type TermDrained,
  type TermEnded,
} from './channels.js';
