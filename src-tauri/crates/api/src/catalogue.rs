//! The one list of operations. Every face is generated from it: Tauri commands, the control socket, the command line.
//!
//! An entry is `kind name(Input) -> Output[, names Files]`. A `command` changes something, carries a command id and is answered from
//! its receipt when it is repeated; a `query` only reads; an `act` does something of which nothing is recorded, and
//! is ended when its caller goes away. `names` says that the input names files of this computer, and which: a face that
//! takes orders from a page lets only those through that a person chose.

/// Calls `$callback!` with the whole catalogue.
#[macro_export]
macro_rules! with_catalogue {
    ($callback:path) => {
        $callback! {
            command create_task(CreateTask) -> Recorded;
            command change_task(ChangeTask) -> Recorded;
            command move_task(MoveTask) -> Recorded;
            command delete_task(OneTask) -> Recorded;
            command start_task(StartTask) -> Recorded;
            command drop_things(DropThings) -> Recorded, names Things;
            command stop_session(OneSession) -> Recorded;
            command interrupt_session(OneSession) -> Recorded;
            command continue_session(OneSession) -> Recorded;
            command pause_session(OneSession) -> Recorded;
            command prompt_session(PromptSession) -> Recorded;
            command steer_session(SteerSession) -> Recorded;
            command change_prompt(ChangePrompt) -> Recorded;
            command withdraw_prompt(WithdrawPrompt) -> Recorded;
            command set_session_mode(SetSessionMode) -> Recorded;
            command set_session_model(SetSessionModel) -> Recorded;
            command fork_session(ForkSession) -> Recorded;
            command wait_session(OneSession) -> Recorded;
            command restart_session(OneSession) -> Recorded;
            command delete_session(OneSession) -> Recorded;
            command restore_session(OneSession) -> Recorded;
            command resolve_unknown(ResolveUnknown) -> Recorded;
            command answer_request(AnswerRequest) -> Recorded;
            command stop_all(Nothing) -> Recorded;
            command pause_all(Nothing) -> Recorded;
            command continue_all(Nothing) -> Recorded;
            command create_agent(CreateAgent) -> Recorded;
            command change_agent(ChangeAgent) -> Recorded;
            command delete_agent(OneAgent) -> Recorded;
            command delete_rule(OneRule) -> Recorded;
            command grant_project(GrantProject) -> Recorded;
            command forget_project(OneProject) -> Recorded;
            command put_key(PutKey) -> Recorded;
            command delete_key(OneKey) -> Recorded;
            command change_settings(ChangeSettings) -> Recorded;
            command make_samples(Nothing) -> Recorded;
            command import_session(ImportSession) -> Recorded, names Import;
            command compact_log(Nothing) -> Recorded;
            command undo(Undo) -> Recorded;
            query snapshot(Nothing) -> Snapshot;
            query first_look(Nothing) -> FirstLook;
            query read_cards(ReadCards) -> CardsPage;
            query list_tasks(Nothing) -> TaskList;
            query list_agents(Nothing) -> AgentList;
            query read_task(OneTask) -> TaskDetail;
            query read_items(ReadItems) -> ItemsPage;
            query read_controls(OneSession) -> ControlsRow;
            query read_output(ReadOutput) -> OutputPage;
            query read_image(ReadImage) -> ImageBytes;
            query check_runbook(CheckRunbook) -> RunbookCheck;
            query read_policy(Nothing) -> PolicyView;
            query preview_rule(PreviewRule) -> RulePreview;
            query list_keys(Nothing) -> KeysView;
            act add_image(AddImage) -> Image, names Image;
            act test_key(OneKey) -> KeyTest;
            act discover(Discover) -> Discovered;
            act try_agent(TryAgent) -> AgentTried;
            act stop_trial(OneTrial) -> TrialStopped;
            act export_session(ExportSession) -> Exported, names Export;
            query log(Nothing) -> LogView;
            query doctor(Nothing) -> DoctorReport;
            query processes(Nothing) -> ProcessesView;
            query recovery(Nothing) -> RecoveryView;
        }
    };
}
